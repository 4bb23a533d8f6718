// `longhaul enroll-code` and `longhaul enroll --batch`, and `enrolment` below `longhaul tenant`.
#pragma once

#include "tools/longhaul/commands.hpp"

namespace longhaul::tools {

// After `tenant` is there.
void add_enrolment_commands(CLI::App& app, Commands& commands);

}  // namespace longhaul::tools
