// `longhaul device …`: who may send.
#pragma once

#include "tools/longhaul/commands.hpp"

namespace longhaul::tools {

void add_device_commands(CLI::App& app, Commands& commands);

}  // namespace longhaul::tools
