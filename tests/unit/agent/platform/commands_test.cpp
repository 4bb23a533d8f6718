#include "agent/platform/linux/commands.hpp"

#include <catch2/catch_test_macros.hpp>
#include <initializer_list>

using namespace longhaul;
using namespace longhaul::agent;

namespace {

struct Bench {
    std::vector<std::string> configs;
    std::string folder = "devices";
    bool json = false;
    std::string file;
    std::vector<std::string> values;
    Command program{
        "program",
        "Does things.",
        "do",
        {},
        {{"do",
          "Does one.",
          "do a.db x=1",
          {{"--config", "may be repeated", &configs},
           {"--folder", "where", &folder},
           {"--json", "as JSON", &json},
           {"file", "the file", &file, true},
           {"values", "field=value", &values, true}},
          {},
          [] { return 3; }},
         {"about", "About things.", "", {}, {{"it", "One.", "about it", {}, {}, {}}}, {}}},
        {}};

    CommandLine read(std::initializer_list<const char*> words) {
        return read_command_line(program, "program 1", std::span{words.begin(), words.size()});
    }
    std::string mistake(std::initializer_list<const char*> words) {
        const CommandLine line = read(words);
        CHECK(line.command == nullptr);
        CHECK(line.text.empty());
        return line.mistake.substr(0, line.mistake.find('\n'));
    }
};

}  // namespace

TEST_CASE("commands: options and words are taken in any order, each to its place") {
    Bench bench;
    const CommandLine line = bench.read({"do", "--json", "a.db", "--config=one", "x=1", "--folder",
                                         "f", "--config", "two", "three", "--", "--y=2"});
    CAPTURE(line.mistake);
    REQUIRE(line.command != nullptr);
    CHECK(line.command->run() == 3);
    CHECK(bench.json);
    CHECK(bench.file == "a.db");
    CHECK(bench.folder == "f");
    CHECK(bench.configs == std::vector<std::string>{"one", "two", "three"});
    CHECK(bench.values == std::vector<std::string>{"x=1", "--y=2"});
}

TEST_CASE("commands: a mistake is told with the word that it is about") {
    Bench bench;
    CHECK(bench.mistake({}) == "A subcommand is required");
    CHECK(bench.mistake({"about"}) == "A subcommand is required");
    CHECK(bench.read({"no-such"}).mistake.ends_with("\nNot known here: no-such\n"));
    CHECK(bench.mistake({"do"}) == "file is required");
    CHECK(bench.mistake({"do", "a.db"}) == "values is required");
    CHECK(bench.mistake({"do", "a", "b", "--no"}) ==
          "The following argument was not expected: --no");
    CHECK(bench.mistake({"about", "it", "x"}) == "The following argument was not expected: x");
    CHECK(bench.mistake({"do", "a", "b", "--folder"}) == "--folder: TEXT is missing");
    CHECK(bench.mistake({"do", "a", "b", "--folder", "--json"}) == "--folder: TEXT is missing");
    CHECK(bench.mistake({"do", "a", "b", "--folder=x", "--folder=y"}) ==
          "--folder: is given twice");
    CHECK(bench.mistake({"do", "a", "b", "--json=1"}) == "--json: takes no text");
}

TEST_CASE("commands: help says all that is in the description, whatever else is wrong") {
    Bench bench;
    CHECK(bench.read({"do", "--no", "--help"}).text ==
          "Does one.\n"
          "Usage: program do [OPTIONS] file values...\n"
          "\n"
          "Positionals:\n"
          "  file TEXT REQUIRED          the file\n"
          "  values TEXT ... REQUIRED    field=value\n"
          "\n"
          "Options:\n"
          "  -h,--help                   Print this help message and exit\n"
          "  --config TEXT ...           may be repeated\n"
          "  --folder TEXT=devices       where\n"
          "  --json                      as JSON\n"
          "\n"
          "Example: program do a.db x=1\n");
    const std::string all = bench.read({"-h"}).text;
    CHECK(all.find("  --version  ") != std::string::npos);
    CHECK(all.find("\nSubcommands:\n  do                          Does one.\n") !=
          std::string::npos);
    CHECK(bench.read({"--version"}).text == "program 1\n");
}
