// How a program ends whose command line could not be read, or asked for help: alike in all of them.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "common/host/exit_codes.hpp"

namespace longhaul {

// Prints help to standard output or the mistake to standard error, and returns the exit code. What
// nobody knows is named also when something required is missing, because it was often meant to be
// that.
inline int end_of_command_line(const CLI::App& app, const CLI::ParseError& error) {
    if (app.exit(error) == 0) return exit_done;
    if (error.get_name() != "ExtrasError") {
        for (const std::string& word : app.remaining(true)) {
            std::fprintf(stderr, "Not known here: %s\n", word.c_str());
        }
    }
    return exit_usage;
}

}  // namespace longhaul
