#include "agent/platform/linux/commands.hpp"

#include <algorithm>
#include <utility>

namespace longhaul::agent {
namespace {

using Texts = std::vector<std::string>;
constexpr std::size_t help_column = 30;

bool is_option(std::string_view word) { return word.size() > 1 && word[0] == '-'; }
bool is_flag(const Argument& argument) { return std::holds_alternative<bool*>(argument.to); }
bool is_list(const Argument& argument) { return std::holds_alternative<Texts*>(argument.to); }

void put(const Argument& argument, std::string_view text) {
    if (bool* const* flag = std::get_if<bool*>(&argument.to)) **flag = true;
    if (std::string* const* one = std::get_if<std::string*>(&argument.to)) **one = text;
    if (Texts* const* list = std::get_if<Texts*>(&argument.to)) (*list)->emplace_back(text);
}

std::string help_line(std::string line, std::string_view help) {
    line.insert(0, "  ");
    line.append(line.size() < help_column ? help_column - line.size() : 1, ' ');
    return line.append(help) + "\n";
}

// "--config TEXT=agent.toml", "values TEXT ... REQUIRED".
std::string title_of(const Argument& argument) {
    std::string title{argument.name};
    if (is_flag(argument)) return title;
    title += " TEXT";
    if (is_list(argument)) title += " ...";
    if (std::string* const* one = std::get_if<std::string*>(&argument.to); one && !(*one)->empty())
        title += "=" + **one;
    return argument.required ? title + " REQUIRED" : title;
}

// `path` names the command, from the program on.
std::string help_of(const Command& command, const std::string& path, const Command& program) {
    std::string usage = std::string{command.help} + "\nUsage: " + path + " [OPTIONS]";
    std::string words;
    std::string options = help_line("-h,--help", "Print this help message and exit");
    if (&command == &program)
        options += help_line("--version", "Display program version information and exit");
    for (const Argument& argument : command.arguments) {
        const std::string line = help_line(title_of(argument), argument.help);
        if (is_option(argument.name)) {
            options += line;
            continue;
        }
        words += line;
        usage.append(" ").append(argument.name).append(is_list(argument) ? "..." : "");
    }
    std::string below;
    for (const Command& each : command.commands)
        below += help_line(std::string{each.name}, each.help);
    if (!below.empty()) usage += " SUBCOMMAND";
    std::string text = usage + "\n";
    if (!words.empty()) text += "\nPositionals:\n" + words;
    text += "\nOptions:\n" + options;
    if (!below.empty()) text += "\nSubcommands:\n" + below;
    if (!command.example.empty())
        text.append("\nExample: ").append(program.name).append(" ").append(command.example) += "\n";
    return text;
}

class Reader {
 public:
    Reader(const Command& program, std::span<const char* const> words)
        : program_{program}, words_{words} {
        enter(program);
    }

    CommandLine read(std::string_view version) {
        bool options_end = false;
        while (at_ < words_.size()) {
            const std::string_view word = words_[at_++];
            if (options_end || !is_option(word)) {
                take_word(word);
                continue;
            }
            if (word == "--") {
                options_end = true;
                continue;
            }
            if (word == "-h" || word == "--help")
                return {{}, help_of(*command_, path_, program_), {}};
            if (word == "--version" && command_ == &program_)
                return {{}, std::string{version} + "\n", {}};
            take_option(word);
        }
        std::string mistake = mistake_or_none();
        if (mistake.empty()) return {command_, {}, {}};
        mistake += "\nRun with --help for more information.\n";
        for (const std::string& each : unknown_) mistake += "Not known here: " + each + "\n";
        return {{}, {}, std::move(mistake)};
    }

 private:
    void enter(const Command& command) {
        command_ = &command;
        path_ += (path_.empty() ? "" : " ") + std::string{command.name};
        given_.assign(command.arguments.size(), false);
    }

    void take_word(std::string_view word) {
        const auto below = std::ranges::find(command_->commands, word, &Command::name);
        if (below != command_->commands.end()) return enter(*below);
        for (std::size_t i = 0; i < given_.size(); ++i) {
            const Argument& argument = command_->arguments[i];
            if (is_option(argument.name) || (given_[i] && !is_list(argument))) continue;
            return give(i, word);
        }
        unknown_.emplace_back(word);
    }

    // "--config a", "--config=a", "--config a b" for a list.
    void take_option(std::string_view word) {
        const std::size_t end = std::min(word.find('='), word.size());
        const auto found =
            std::ranges::find(command_->arguments, word.substr(0, end), &Argument::name);
        if (found == command_->arguments.end()) {
            unknown_.emplace_back(word);
            return;
        }
        const auto i = static_cast<std::size_t>(found - command_->arguments.begin());
        if (given_[i] && !is_flag(*found) && !is_list(*found)) complain(*found, "is given twice");
        if (is_flag(*found) && end < word.size()) complain(*found, "takes no text");
        if (is_flag(*found)) return give(i, {});
        if (end < word.size()) return give(i, word.substr(end + 1));
        if (at_ == words_.size() || is_option(words_[at_]))
            return complain(*found, "TEXT is missing");
        do give(i, words_[at_++]);
        while (is_list(*found) && at_ < words_.size() && !is_option(words_[at_]));
    }

    void give(std::size_t i, std::string_view text) {
        put(command_->arguments[i], text);
        given_[i] = true;
    }

    void complain(const Argument& argument, std::string_view what) {
        if (mistake_.empty()) mistake_.append(argument.name).append(": ").append(what);
    }

    std::string mistake_or_none() const {
        if (!mistake_.empty()) return mistake_;
        if (!command_->commands.empty()) return "A subcommand is required";
        for (std::size_t i = 0; i < given_.size(); ++i) {
            const Argument& argument = command_->arguments[i];
            if (argument.required && !given_[i]) return std::string{argument.name} + " is required";
        }
        if (unknown_.empty()) return {};
        return "The following argument was not expected: " + unknown_.front();
    }

    const Command& program_;
    std::span<const char* const> words_;
    std::size_t at_ = 0;
    const Command* command_ = nullptr;
    std::string path_;
    std::vector<bool> given_;  // of the command's arguments
    std::string mistake_;      // the first one
    std::vector<std::string> unknown_;
};

}  // namespace

CommandLine read_command_line(const Command& program, std::string_view version,
                              std::span<const char* const> words) {
    return Reader{program, words}.read(version);
}

}  // namespace longhaul::agent
