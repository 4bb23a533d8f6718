// The agent's command line: one description of its commands, by which it is read and its help is
// written. The library that the other programs use for it brings along the streams and locales of
// C++, 600 KB of a program that is linked statically.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace longhaul::agent {

// An option, "--config", or a word in its place, "file".
struct Argument {
    std::string_view name;
    std::string_view help;
    // Where it goes: a flag, one text, or as many texts as there are up to the next option.
    std::variant<bool*, std::string*, std::vector<std::string>*> to;
    bool required = false;
};

struct Command {
    std::string_view name;
    std::string_view help;
    std::string_view example;         // what stands behind the program's name; empty: none
    std::vector<Argument> arguments;  // words in their order
    std::vector<Command> commands;    // one of them has to be named; there are no words then
    std::function<int()> run;         // returns the exit code; of one without commands
};

// What a command line asks for: one of these.
struct CommandLine {
    const Command* command = nullptr;
    std::string text;     // help or version, for standard output
    std::string mistake;  // for standard error
};

// `words` are those behind the program's name. What was given is in its place when a command is
// asked for; otherwise some of it may be.
CommandLine read_command_line(const Command& program, std::string_view version,
                              std::span<const char* const> words);

}  // namespace longhaul::agent
