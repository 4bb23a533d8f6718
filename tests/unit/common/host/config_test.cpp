#include "common/host/config.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace longhaul;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Equals;

namespace {

// What a program with these keys says about the text; empty: nothing.
std::string read(std::string_view text) {
    auto file = ConfigFile::parse(text, "dir/x.toml");
    if (!file.ok()) return file.error().text;
    ConfigTable server = file.value().table("server");
    server.text("listen");
    server.text("name", "here");
    server.path("key", "server.key");
    server.integer("count", 5, {1, 10});
    server.real("speed", 1.0, {0.0, 100.0});
    server.boolean("loud", false);
    server.texts("columns");
    server.choice("format", "csv", {"csv", "jsonl"});
    for (ConfigTable field : file.value().root().tables("field")) field.text("name");
    const auto finished = file.value().finish();
    return finished.ok() ? "" : finished.error().text;
}

}  // namespace

TEST_CASE("config: every mistake is told with its line") {
    struct Case {
        const char* text;
        const char* said;
    };
    const Case cases[] = {
        {"[server]\nlisten = 'x'\n", ""},
        {"[server]\nlisten = 'x'\nloud = true\nspeed = 3\nformat = 'jsonl'\ncolumns = ['a', 'b']\n",
         ""},
        {"[server]\nlistn = 'x'\n",
         "dir/x.toml: line 1: \"listen\" is missing in [server]\n"
         "dir/x.toml: line 2: unknown key \"listn\", did you mean \"listen\"?"},
        {"", "dir/x.toml: \"listen\" is missing in [server]"},
        {"[server]\nlisten = 'x'\nbanana = 1\n", "dir/x.toml: line 3: unknown key \"banana\""},
        {"[server]\nlisten = 7\n", "dir/x.toml: line 2: \"listen\" must be a text in quotes"},
        {"[server]\nlisten = 'x'\ncount = 11\n",
         "dir/x.toml: line 3: \"count\" must be a whole number, from 1 to 10"},
        {"[server]\nlisten = 'x'\ncount = 1.5\n",
         "dir/x.toml: line 3: \"count\" must be a whole number, from 1 to 10"},
        {"[server]\nlisten = 'x'\ncount = '5'\n",
         "dir/x.toml: line 3: \"count\" must be a whole number, from 1 to 10"},
        {"[server]\nlisten = 'x'\nloud = 1\n",
         "dir/x.toml: line 3: \"loud\" must be true or false"},
        {"[server]\nlisten = 'x'\ncolumns = ['a', 2]\n",
         "dir/x.toml: line 3: \"columns\" must be a list of texts in quotes"},
        {"[server]\nlisten = 'x'\nkey = ''\n", "dir/x.toml: line 3: \"key\" has to be a path"},
        {"[server]\nlisten = 'x'\nformat = 'xml'\n",
         "dir/x.toml: line 3: \"format\" is \"xml\", must be one of \"csv\", \"jsonl\""},
        {"[sever]\nlisten = 'x'\n",
         "dir/x.toml: \"listen\" is missing in [server]\n"
         "dir/x.toml: line 1: unknown key \"sever\", did you mean \"server\"?"},
        {"server = 3\n",
         "dir/x.toml: \"listen\" is missing in [server]\n"
         "dir/x.toml: line 1: \"server\" must be a table"},
        {"[server]\nlisten = 'x'\n[field]\nname = 'a'\n",
         "dir/x.toml: line 3: \"field\" must be tables, each begun by [[field]]"},
        {"[server]\nlisten = 'x'\n[[field]]\nname = 'a'\n[[field]]\nnme = 'a'\n",
         "dir/x.toml: line 5: \"name\" is missing in [[field]]\n"
         "dir/x.toml: line 6: unknown key \"nme\", did you mean \"name\"?"},
    };
    for (const Case& each : cases) {
        CAPTURE(each.text);
        CHECK_THAT(read(each.text), Equals(each.said));
    }
}

TEST_CASE("config: a file that is not TOML, or not there, is told by name") {
    CHECK_THAT(read("[server]\nlisten = \n"), ContainsSubstring("dir/x.toml: line "));
    const auto missing = ConfigFile::read("/nowhere/at/all.toml");
    REQUIRE_FALSE(missing.ok());
    CHECK_THAT(missing.error().text, ContainsSubstring("/nowhere/at/all.toml: cannot open"));
}

TEST_CASE("config: values, defaults and paths relative to the file") {
    auto file = ConfigFile::parse(
        "[server]\nname = 'a'\ncount = 7\nkey = 'k/server.key'\nroot = '/etc/root'\n"
        "columns = 'one'\n",
        "dir/x.toml");
    REQUIRE(file.ok());
    ConfigTable server = file.value().table("server");
    CHECK(server.text("name") == "a");
    CHECK(server.integer("count", 5, {1, 10}) == 7);
    CHECK(server.integer("other", 5, {1, 10}) == 5);
    CHECK(server.path("key") == "dir/k/server.key");
    CHECK(server.path("root") == "/etc/root");
    CHECK(server.path("absent", "x") == "dir/x");
    CHECK(server.path("none", "").empty());
    CHECK(server.texts("columns") == std::vector<std::string>{"one"});
    CHECK(file.value().finish().ok());
}

TEST_CASE("config: a problem that the caller found is told like the others") {
    auto file = ConfigFile::parse("a = 1\nlisten = 'x'\n", "x.toml");
    REQUIRE(file.ok());
    ConfigTable root = file.value().root();
    root.integer("a", {0, 9});
    root.text("listen");
    root.problem("listen", "has to look like host:port");
    const auto finished = file.value().finish();
    REQUIRE_FALSE(finished.ok());
    CHECK(finished.error().text == "x.toml: line 2: \"listen\" has to look like host:port");
}

TEST_CASE("config: a program may read a part of another one's file") {
    auto file = ConfigFile::parse("[journal]\npath = 'j'\nshards = 3\n[else]\n", "x.toml");
    REQUIRE(file.ok());
    CHECK(file.value().table("journal").path("path") == "j");
    CHECK(file.value().finish(UnknownKeys::ignored).ok());
    CHECK_FALSE(file.value().finish().ok());
}
