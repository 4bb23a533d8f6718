// `longhaul ca …`: the authority.
#pragma once

#include "tools/longhaul/commands.hpp"

namespace longhaul::tools {

void add_ca_commands(CLI::App& app, Commands& commands);

}  // namespace longhaul::tools
