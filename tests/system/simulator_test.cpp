// Worlds of the simulator: what it runs holds, the same seed gives the same run, and what does not
// hold is said. docs/simulator.md.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "firmware-sim/world/world.hpp"

using namespace longhaul;
using namespace longhaul::sim;

namespace {

Scenario scenario_in(const std::string& path) {
    auto scenario = Scenario::load(path);
    INFO((scenario.ok() ? "" : scenario.error().text));
    REQUIRE(scenario.ok());
    return std::move(scenario).value();
}

Scenario scenario_of(const std::string& name) {
    return scenario_in("firmware-sim/scenarios/" + name + ".toml");
}

Report run(const Scenario& scenario, std::uint64_t seed) {
    REQUIRE(crypto_init().ok());
    auto world = World::make(scenario, seed);
    INFO((world.ok() ? "" : world.error().text));
    REQUIRE(world.ok());
    return world.value()->run({});
}

void check_holds(const Scenario& scenario, std::uint64_t seed) {
    const Report report = run(scenario, seed);
    CAPTURE(scenario.name, seed);
    for (const std::string& violation : report.verdict.violations) UNSCOPED_INFO(violation);
    CHECK(report.holds());
}

// What tests/system/hashes.txt says of a run: that it is the same in every build. Tests run in one
// by GCC with optimization, and in one by Clang with sanitizers.
std::string recorded_hash(const std::string& scenario, std::uint64_t seed) {
    std::ifstream file{"tests/system/hashes.txt"};
    REQUIRE(file.good());
    for (std::string line; std::getline(file, line);) {
        const std::string run = scenario + " " + std::to_string(seed) + " ";
        if (line.starts_with(run)) return line.substr(run.size());
    }
    return {};
}

// Half an hour behind what comes once, at its time.
std::int64_t short_s(const Scenario& scenario) {
    std::int64_t last_s = scenario.collector.gateway_s;
    for (const FleetPlan& fleet : scenario.fleets)
        last_s = std::max(last_s, fleet.device.faults.copied_at_s);
    return last_s + 1'800;
}

std::string hash_of(const Report& report) {
    char text[32];
    std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(report.log_hash));
    return text;
}

}  // namespace

TEST_CASE("simulator: a quiet world loses nothing, and one seed gives one run") {
    const Scenario quiet = scenario_of("quiet");
    const Report once = run(quiet, 11);
    CHECK(once.holds());
    CHECK(once.verdict.samples > 1'000);
    CHECK(once.verdict.rows == once.verdict.samples);
    CHECK(once.verdict.connected_ms > 0);
    const Report again = run(quiet, 11);
    CHECK(again.log_hash == once.log_hash);
    CHECK(again.events == once.events);
    CHECK(run(quiet, 12).log_hash != once.log_hash);
    CHECK(hash_of(once) == recorded_hash("quiet", 11));
}

TEST_CASE("simulator: everything that happens in chaos is accounted for, and happens again alike") {
    const Scenario chaos = scenario_of("chaos");
    const Report report = run(chaos, 2);
    for (const std::string& violation : report.verdict.violations) UNSCOPED_INFO(violation);
    CHECK(report.holds());
    CHECK(report.devices.power_cuts > 10);
    CHECK(report.devices.torn_writes > 5);
    CHECK(report.collector.crashes > 3);
    CHECK(report.verdict.cut > 0);
    CHECK(report.verdict.connected_ms > 0);
    CHECK(report.collector.snapshots > 3);
    CHECK(report.collector.halfway > 0);
    CHECK(report.collector.resumed > 3);
    CHECK(report.collector.cut_bytes > 0);
    CHECK(report.collector.merges > 0);
    CHECK(run(chaos, 2).log_hash == report.log_hash);
    CHECK(hash_of(report) == recorded_hash("chaos", 2));
}

TEST_CASE("simulator: devices wander between gateways over one journal, and gateways die") {
    Scenario balancer = scenario_of("balancer");
    balancer.set_duration_s(5'400);
    const Report report = run(balancer, 1);
    for (const std::string& violation : report.verdict.violations) UNSCOPED_INFO(violation);
    CHECK(report.holds());
    CHECK(report.collector.gateway_kills > 4);
    CHECK(report.collector.wandered > 20);
    CHECK(hash_of(report) == recorded_hash("balancer", 1));
}

TEST_CASE("simulator: no seed that found a fault finds it again") {
    std::ifstream file{"tests/system/seeds.txt"};
    REQUIRE(file.good());
    std::size_t seeds = 0;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#')) continue;
        std::istringstream words{line};
        std::string scenario;
        std::uint64_t seed = 0;
        REQUIRE(words >> scenario >> seed);
        check_holds(scenario_of(scenario), seed);
        ++seeds;
    }
    CHECK(seeds >= 1);
}

TEST_CASE("simulator: the example for the CI of others replays a recording, and holds") {
    Scenario example = scenario_in("examples/ci/scenario.toml");
    example.set_devices(2);
    example.set_duration_s(3'600);
    check_holds(example, 1);
}

TEST_CASE("simulator: every scenario that is shipped runs, made small, and holds") {
    std::size_t found = 0;
    for (const auto& file : std::filesystem::directory_iterator{"firmware-sim/scenarios"}) {
        if (file.path().extension() != ".toml") continue;
        ++found;
        Scenario scenario = scenario_in(file.path());
        CAPTURE(file.path(), scenario.name);
        CHECK(scenario.name == file.path().stem());
        // Nothing goes wrong there; all others have to show that something did, when they are
        // whole.
        const bool quiet = scenario.name == "quiet";
        CHECK(scenario.expect.happened_min.empty() == quiet);
        scenario.set_devices(std::min<std::int64_t>(scenario.devices(), 5));
        scenario.set_duration_s(std::min<std::int64_t>(scenario.duration_s, short_s(scenario)));
        check_holds(scenario, 5);
    }
    CHECK(found >= 17);
}

TEST_CASE("simulator: a fault that was to come and did not is said") {
    Scenario quiet = scenario_of("quiet");
    quiet.set_duration_s(60);
    quiet.expect.happened_min = {{"power_cuts", 1}, {"boots", 12}};
    const Report report = run(quiet, 1);
    REQUIRE(report.verdict.violations.size() == 1);
    CHECK(report.verdict.violations[0] ==
          "expect.happened.power_cuts: only 0, and at least 1 were expected");
    const auto wrong = Scenario::parse(
        "name = \"a\"\nduration_s = 1\n[[fleet]]\nname = \"b\"\n"
        "streams = [\"log\"]\n[expect.happened]\npower_cut = 1\n",
        "test.toml");
    REQUIRE(!wrong.ok());
    CHECK(wrong.error().text.find("line 7") != std::string::npos);
    CHECK(wrong.error().text.find("\"power_cuts\"") != std::string::npos);
}

TEST_CASE("simulator: the oracle may look in between, which changes nothing") {
    Scenario quiet = scenario_of("quiet");
    quiet.check_every_s = 900;
    const Report report = run(quiet, 11);
    CHECK(report.holds());
    CHECK(report.checks == 5);  // the last one would be at the end
    CHECK(hash_of(report) == recorded_hash("quiet", 11));
}

TEST_CASE("simulator: what was not expected is said, with how much it was") {
    const auto scenario = Scenario::parse(R"(
name = "no room"
duration_s = 86400
[[fleet]]
name = "truck"
streams = ["vehicle"]
[[fleet.link.outage]]
from_s = 60
for_s = 86300
)",
                                          "test.toml");
    REQUIRE(scenario.ok());
    const Report report = run(scenario.value(), 1);
    REQUIRE(report.verdict.violations.size() == 1);
    CHECK(report.verdict.violations[0].starts_with("expect.lost: "));
    CHECK(report.verdict.lost > 100);
    CHECK(report.verdict.lost + report.verdict.rows == report.verdict.samples);
}
