// What the groups of commands share: how a command finds its way from the command line to the
// function that does it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <utility>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::tools {

// What each command does; it yields the exit code. Options live in what the function holds.
using Commands = std::vector<std::pair<CLI::App*, std::function<int()>>>;

// Tells the message on standard error and returns the exit code.
int complain(const Message& message, int exit_code);

WallUs wall_now();

}  // namespace longhaul::tools
