// `longhaul import`, `backup` and `restore`: what goes into a collector, and out of it, as files.
#pragma once

#include "tools/longhaul/commands.hpp"

namespace longhaul::tools {

void add_store_commands(CLI::App& app, Commands& commands);

}  // namespace longhaul::tools
