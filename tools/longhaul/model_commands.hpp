// `longhaul model …`: what codec 2 knows before the first sample.
#pragma once

#include "tools/longhaul/commands.hpp"

namespace longhaul::tools {

void add_model_commands(CLI::App& app, Commands& commands);

}  // namespace longhaul::tools
