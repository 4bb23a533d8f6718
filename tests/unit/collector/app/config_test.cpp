#include "collector/app/config.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "common/host/files.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using Catch::Matchers::ContainsSubstring;

namespace {

Result<CollectorConfig, Message> read(const test::TemporaryFolder& folder, std::string_view text) {
    const std::string path = folder / "collector.toml";
    REQUIRE(replace_file(path, as_bytes(text), public_file_mode).ok());
    return read_config(path);
}

// The example with every line that shows a default made one that sets it.
std::string uncommented(std::string_view example) {
    std::string text;
    for (std::size_t at = 0; at < example.size();) {
        const std::size_t end = example.find('\n', at);
        std::string_view line = example.substr(at, end - at);
        if (line.starts_with("# ") && line.find(" = ") != std::string_view::npos)
            line.remove_prefix(2);
        text += std::string{line} + "\n";
        at = end + 1;
    }
    return text;
}

}  // namespace

TEST_CASE("collector.toml: the example is valid, and shows the real defaults") {
    const test::TemporaryFolder folder;
    const auto plain = read(folder, config_example());
    REQUIRE(plain.ok());
    const auto full = read(folder, uncommented(config_example()));
    REQUIRE(full.ok());
    const CollectorConfig& a = plain.value();
    const CollectorConfig& b = full.value();
    CHECK(a.listen == b.listen);
    CHECK(a.connections_max == b.connections_max);
    CHECK(a.registry == b.registry);
    CHECK(a.sealing_keys == b.sealing_keys);
    CHECK(a.gateway == b.gateway);
    CHECK(a.journal.shards_if_new == b.journal.shards_if_new);
    CHECK(a.journal.group_bytes_max == b.journal.group_bytes_max);
    CHECK(a.journal.group_ms_max == b.journal.group_ms_max);
    CHECK(a.journal.segment_bytes_max == b.journal.segment_bytes_max);
    CHECK(a.writer.commit_interval_ms == b.writer.commit_interval_ms);
    CHECK(a.writer.rows_max == b.writer.rows_max);
    CHECK(a.writer.bytes_max == b.writer.bytes_max);
    CHECK(a.credit_bytes == b.credit_bytes);
    CHECK(a.under_way_bytes == b.under_way_bytes);
    CHECK(a.journal_reserve_bytes == b.journal_reserve_bytes);
    CHECK(a.handshake_deadline_ms == b.handshake_deadline_ms);
    CHECK(a.handshakes_max == b.handshakes_max);
    CHECK(a.full_handshakes_per_s == b.full_handshakes_per_s);
    CHECK(a.hello_deadline_ms == b.hello_deadline_ms);
    CHECK(a.idle_deadline_ms == b.idle_deadline_ms);
    CHECK(a.cost_interval_ms == b.cost_interval_ms);
    CHECK(a.http_listen == b.http_listen);
    CHECK(a.log_level == b.log_level);
    CHECK(a.log_format == b.log_format);
    CHECK(a.journal_path == folder / "journal");
}

TEST_CASE("collector.toml: mistakes are told with their lines") {
    struct Case {
        const char* changed;  // added at the end of [session]
        const char* said;
    };
    const Case cases[] = {
        {"idle_deadlin_s = 3\n",
         "unknown key \"idle_deadlin_s\", did you mean \"idle_deadline_s\"?"},
        {"credit_bytes = 1\n", "\"credit_bytes\" must be a whole number"},
        {"credit_bytes = \"1\"\n", "\"credit_bytes\" must be a whole number"},
        {"[sesion]\n", "unknown key \"sesion\", did you mean \"session\"?"},
        {"[\n", "collector.toml: line "},
    };
    const test::TemporaryFolder folder;
    for (const Case& each : cases) {
        CAPTURE(each.changed);
        std::string text{config_example()};
        const auto config = read(folder, text.insert(text.find("\n[enrolment]"), each.changed));
        REQUIRE_FALSE(config.ok());
        CHECK_THAT(config.error().text, ContainsSubstring(each.said));
        CHECK_THAT(config.error().text, ContainsSubstring("line "));
    }
}

TEST_CASE("collector.toml: devices need an address, health and metrics may have none") {
    const test::TemporaryFolder folder;
    std::string text{config_example()};
    const auto off = read(folder, text);
    REQUIRE(off.ok());
    CHECK(off.value().http_listen.empty());
    text.insert(text.find("# listen"), "listen = \"metrics\"\n");
    const auto wrong = read(folder, text);
    REQUIRE_FALSE(wrong.ok());
    CHECK_THAT(wrong.error().text, ContainsSubstring("\"listen\" cannot be read"));
    std::string nowhere{config_example()};
    nowhere.replace(nowhere.find("127.0.0.1:7600"), 14, "");
    CHECK_FALSE(read(folder, nowhere).ok());
}

TEST_CASE("collector.toml: level and format of the log are words of a list") {
    const test::TemporaryFolder folder;
    const std::string example{config_example()};  // its last table is [log]
    CHECK(read(folder, example + "level = \"debug\"\nformat = \"json\"\n").ok());
    const auto loud = read(folder, example + "level = \"loud\"\n");
    REQUIRE_FALSE(loud.ok());
    CHECK_THAT(loud.error().text,
               ContainsSubstring("\"level\" is \"loud\", must be one of \"debug\""));
    const auto xml = read(folder, example + "format = \"xml\"\n");
    REQUIRE_FALSE(xml.ok());
    CHECK_THAT(xml.error().text, ContainsSubstring("\"format\" is \"xml\""));
}

TEST_CASE("collector.toml: an address that cannot be listened on is a mistake in the file") {
    const test::TemporaryFolder folder;
    std::string text{config_example()};
    text.replace(text.find("127.0.0.1:7600"), 14, "localhost:7600");
    const auto config = read(folder, text);
    REQUIRE_FALSE(config.ok());
    CHECK_THAT(config.error().text, ContainsSubstring("\"listen\" cannot be read: an address is "
                                                      "written 127.0.0.1:7600 or [::1]:7600"));
}
