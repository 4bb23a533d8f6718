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
    REQUIRE(config.value().traces.size() == 1);
    CHECK(config.value().traces[0].device == "bus-2228");
    CHECK(config.value().certificate.ends_with("/device.crt"));
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
