// The parts of a simulated world: what everything else there relies on.
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "firmware-sim/world/path.hpp"
#include "firmware-sim/world/scenario.hpp"
#include "firmware-sim/world/scheduler.hpp"
#include "firmware-sim/world/world_source.hpp"

using namespace longhaul;
using namespace longhaul::sim;

namespace {

constexpr MonotonicMs far{1'000'000'000};

struct Noting final : Actor {
    std::vector<std::uint64_t> tags;
    void on_event(MonotonicMs, std::uint64_t tag) override { tags.push_back(tag); }
};

Path path(const LinkSettings& settings, std::vector<TimeSpan> outages = {}) {
    return {settings, std::move(outages), far, Random{1, "path"}};
}

std::string mistake_in(const std::string& text) {
    const auto scenario = Scenario::parse(text, "test.toml");
    return scenario.ok() ? "" : scenario.error().text;
}

const std::string sound =
    "name = \"x\"\nduration_s = 60\n[[fleet]]\nname = \"a\"\ndevices = 3\nstreams = [\"sensor\"]\n";

}  // namespace

TEST_CASE("world: events of one moment happen in the order in which they were asked for") {
    Scheduler scheduler;
    Noting noting;
    scheduler.at({20}, noting, 3);
    scheduler.at({10}, noting, 1);
    scheduler.at({20}, noting, 4);
    scheduler.at({10}, noting, 2);
    scheduler.at(MonotonicMs::never(), noting, 9);
    while (scheduler.step({20})) {
    }
    CHECK(noting.tags == std::vector<std::uint64_t>{1, 2, 3, 4});
    CHECK(scheduler.now() == MonotonicMs{20});
}

TEST_CASE("world: two parts of one seed draw different numbers, and each the same ones again") {
    Random a{7, "device-1"};
    Random b{7, "device-1"};
    Random c{7, "device-2"};
    const std::uint64_t first = a.next();
    CHECK(first == b.next());
    CHECK(first != c.next());
}

TEST_CASE(
    "world: what is sent takes its share of the rate, arrives in order, and waits for an outage") {
    LinkSettings settings;
    settings.delay_ms = 50;
    settings.kbit_s = 8;  // a byte a millisecond
    Path slow = path(settings, {{{5'000}, {9'000}}});
    CHECK(slow.carry(Path::Way::up, 960, {0}) == MonotonicMs{1'050});
    CHECK(slow.carry(Path::Way::up, 460, {0}) == MonotonicMs{1'550});
    CHECK(slow.carry(Path::Way::down, 460, {0}) == MonotonicMs{550});
    CHECK(slow.is_out({5'000}));
    CHECK(slow.carry(Path::Way::up, 460, {6'000}) == MonotonicMs{9'550});
    CHECK(slow.carry(Path::Way::up, 460, {20'000}) == MonotonicMs{20'550});
}

TEST_CASE("world: lost packets cost time and bytes, and nothing overtakes them") {
    LinkSettings settings;
    settings.loss_permille = 300;
    settings.jitter_ms = 100;
    Path lossy = path(settings);
    MonotonicMs before;
    MonotonicMs latest;
    for (std::int64_t i = 0; i < 200; ++i) {
        const MonotonicMs sent{i * 100};
        const MonotonicMs arrives = lossy.carry(Path::Way::up, 500, sent);
        CHECK(arrives >= before);
        before = arrives;
        latest = std::max(latest, MonotonicMs{arrives - sent});
    }
    CHECK(latest > MonotonicMs{200});
    CHECK(lossy.bytes_carried() > 200 * 540 * 5 / 4);
}

TEST_CASE("world: whoever has used up the day's bytes waits for the next day") {
    LinkSettings settings;
    settings.day_bytes_max = 1'000;
    Path path_of_budget = path(settings);
    CHECK(path_of_budget.carry(Path::Way::up, 960, {0}) < MonotonicMs{1'000});
    CHECK(path_of_budget.carry(Path::Way::up, 100, {1'000}) > MonotonicMs{86'400'000});
}

TEST_CASE("world: a recording of a link is refused with its line, and one that never passes, too") {
    CHECK(parse_link_recording("delay_ms,kbit_s\n20,5\n0,0\n", "x.csv").value().size() == 2);
    CHECK(parse_link_recording("delay_ms,kbit_s\n20,5\n0\n", "x.csv").error().text ==
          "x.csv: line 3: expected two whole numbers, \"delay_ms,kbit_s\"");
    CHECK_FALSE(parse_link_recording("20,5\n", "x.csv").ok());
    CHECK_FALSE(parse_link_recording("delay_ms,kbit_s\n0,0\n", "x.csv").ok());
}

TEST_CASE("world: a device's clock comes back to the world's moment") {
    for (const std::int64_t ppm : {-90, 0, 90}) {
        const DeviceClock clock{{123'456}, ppm};
        for (const std::int64_t ms :
             std::initializer_list<std::int64_t>{0, 1, 999, 1'000'000, 3'000'000'000}) {
            CAPTURE(ppm, ms);
            const MonotonicMs world = clock.to_world({ms});
            CHECK(clock.of_world(world) >= MonotonicMs{ms});
            CHECK((ms == 0 || clock.of_world(world + -1) < MonotonicMs{ms}));
        }
    }
    CHECK(DeviceClock{}.to_world(MonotonicMs::never()) == MonotonicMs::never());
}

TEST_CASE("world: the n-th sample is the same whenever it is asked for") {
    for (const std::string_view name : generator_names()) {
        CAPTURE(name);
        const auto plan = make_generator(name, 5);
        SampleValues once;
        SampleValues again;
        plan->make(3, 77, once);
        plan->make(3, 77, again);
        REQUIRE(once.values.size() == plan->schema().fields.size());
        CHECK(once.values[0].integer == 77);
        CHECK(plan->gap_ms(3, 77) >= 1);
        for (std::size_t i = 0; i < once.values.size(); ++i) {
            CHECK(once.values[i].integer == again.values[i].integer);
            CHECK(once.values[i].real_bits == again.values[i].real_bits);
        }
        CHECK(once.text == again.text);
    }
    CHECK(make_generator("nothing", 5) == nullptr);
}

TEST_CASE("world: a mistake in a scenario is told with its line") {
    CHECK(mistake_in(sound).empty());
    CHECK(mistake_in(sound + "devises = 3\n").find("did you mean \"devices\"") !=
          std::string::npos);
    CHECK(mistake_in("name = \"x\"\nduration_s = 60\n").find("[[fleet]]") != std::string::npos);
    CHECK(mistake_in(sound + "[fleet.flash]\nprogram_bytes = 3\n").find("power of two") !=
          std::string::npos);
    CHECK(mistake_in(
              "name = \"x\"\nduration_s = 60\n[[fleet]]\nname = \"a\"\nstreams = [\"sensors\"]\n")
              .find("did you mean \"sensor\"") != std::string::npos);
}

TEST_CASE("world: a scenario grows and shrinks in its proportions, and each fleet keeps a device") {
    auto scenario = Scenario::parse(
        sound + "[[fleet]]\nname = \"b\"\ndevices = 1\nstreams = [\"sensor\"]\n", "test.toml");
    REQUIRE(scenario.ok());
    scenario.value().set_devices(400);
    CHECK(scenario.value().fleets[0].devices == 300);
    CHECK(scenario.value().fleets[1].devices == 100);
    scenario.value().set_devices(1);
    CHECK(scenario.value().devices() == 2);
}
