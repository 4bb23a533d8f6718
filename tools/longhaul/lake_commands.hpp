// The group `longhaul lake …`.
#pragma once

#include "tools/longhaul/commands.hpp"

namespace longhaul::tools {

void add_lake_commands(CLI::App& app, Commands& commands);

}  // namespace longhaul::tools
