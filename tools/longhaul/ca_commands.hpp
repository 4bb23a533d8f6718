// `longhaul ca`, `tenant` and `rotate`: the authority, and what it issues besides devices'
// certificates.
#pragma once

#include "tools/longhaul/commands.hpp"

namespace longhaul::tools {

void add_ca_commands(CLI::App& app, Commands& commands);

}  // namespace longhaul::tools
