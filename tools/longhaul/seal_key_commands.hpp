// `longhaul seal-key …`: the keys that open blocks.
#pragma once

#include "tools/longhaul/commands.hpp"

namespace longhaul::tools {

void add_seal_key_commands(CLI::App& app, Commands& commands);

}  // namespace longhaul::tools
