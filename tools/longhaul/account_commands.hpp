// `longhaul audit`, `why`, `inspect` and `audit-trail`: what is known of devices, their data and
// the people who look after them. They change nothing.
#pragma once

#include "tools/longhaul/commands.hpp"

namespace longhaul::tools {

void add_account_commands(CLI::App& app, Commands& commands);

}  // namespace longhaul::tools
