#include "agent/platform/linux/agent_config.hpp"

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>

using namespace longhaul;
using namespace longhaul::agent;

namespace {

Result<AgentConfig, Message> load(const std::string& text) {
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() /
        ("longhaul-agent-config-" + std::to_string(::getpid()) + ".toml");
    std::ofstream{path} << text;
    auto config = load_agent_config(path.string());
    std::filesystem::remove(path);
    return config;
}

}  // namespace

TEST_CASE("agent config: the example is complete and valid") {
    const auto config = load(agent_config_example);
    REQUIRE(config.ok());
    CHECK(config.value().name == "bus-2228");
    CHECK(config.value().address == "127.0.0.1:7600");
    CHECK(config.value().spool_policy.bytes_max == 64 << 20);
    CHECK(config.value().body_bytes_max == 4096);
    CHECK(config.value().codecs == usual_codecs);
    REQUIRE(config.value().traces.size() == 1);
    CHECK(config.value().traces[0].device == "bus-2228");
    CHECK(config.value().certificate.ends_with("/device.crt"));
}

TEST_CASE("agent config: each class has its share of the spool and its rule") {
    std::string text = agent_config_example;
    const auto config = load(text);
    REQUIRE(config.ok());
    const SpoolPolicy defaults;
    for (std::size_t i = 0; i < block_class_count; ++i) {
        const ClassPolicy& own = config.value().spool_policy.classes[i];
        CHECK(own.reserve_percent == defaults.classes[i].reserve_percent);
        CHECK(own.when_full == defaults.classes[i].when_full);
    }
    CHECK(config.value().write_bytes_per_day == 0);

    const std::string from = "[spool.bulk]\nreserve_percent = 0\nwhen_full = \"drop_oldest\"\n";
    REQUIRE(text.find(from) != std::string::npos);
    text.replace(text.find(from), from.size(),
                 "[spool.bulk]\nreserve_percent = 70\nwhen_full = \"stop\"\n");
    const auto other = load(text);
    REQUIRE(other.ok());
    CHECK(other.value().spool_policy.classes[3].reserve_percent == 70);
    CHECK(other.value().spool_policy.classes[3].when_full == WhenFull::stop);
}

TEST_CASE("agent config: what is wrong is said with its line") {
    struct Case {
        const char* from;
        const char* to;
        const char* said;
    };
    const Case cases[] = {
        {"server_name = \"localhost\"", "server_nmae = \"localhost\"",
         "did you mean \"server_name\"?"},
        {"[spool]", "[spol]", "did you mean \"spool\"?"},
        {"tenant = \"acme\"", "tenant = 5", "line 5"},
        {"tenant = \"acme\"", "tenant = \"ACME\"", "tenant"},
        {"address = \"127.0.0.1:7600\"", "address = \"127.0.0.1\"", "host:port"},
        {"address = \"127.0.0.1:7600\"", "address = \"127.0.0.1:99999\"", "host:port"},
        {"body_bytes_max = 4096", "body_bytes_max = 99999", "body_bytes_max"},
        {"bytes_max = 67108864", "bytes_max = -1", "bytes_max"},
        {"#write_bytes_per_day = 50000000", "write_bytes_per_day = \"much\"",
         "write_bytes_per_day"},
        {"reserve_percent = 0", "reserve_percent = 101", "reserve_percent"},
        {"reserve_percent = 0", "reserve_percent = 71",
         "line 38: \"reserve_percent\" makes 101 percent reserved with those of the classes above"},
        {"when_full = \"drop_oldest\"", "when_full = \"drop\"", "drop_newest"},
        {"[spool.live]", "[spool.alive]", "did you mean \"live\"?"},
        {"speed = 0 ", "speed = -1 ", "speed"},
        {"mapping = \"bus.toml\"", "", "mapping"},
        {"name = \"bus-2228\"", "name = ", "line 6"},
    };
    for (const Case& each : cases) {
        CAPTURE(each.to);
        std::string text = agent_config_example;
        text.replace(text.find(each.from), std::string_view{each.from}.size(), each.to);
        const auto config = load(text);
        REQUIRE_FALSE(config.ok());
        CAPTURE(config.error().text);
        CHECK(config.error().text.find(each.said) != std::string::npos);
        CHECK(config.error().text.find("line ") != std::string::npos);
    }
}
