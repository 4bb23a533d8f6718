#include "agent/core/time_keeper.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>

#include "firmware-sim/sim_device_spool.hpp"
#include "tests/unit/agent/core/lossy_spool.hpp"
#include "tests/unit/agent/fixtures.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

constexpr std::int64_t hour_us = 3'600'000'000;
constexpr std::int64_t today = 1'795'262'400'000'000;  // 2026-11-21 12:00 UTC
constexpr std::int64_t years_10 = 10 * 365 * 24 * hour_us;

WallReading synchronized_at(std::int64_t us) { return {true, true, {us}, 40, false}; }
WallReading uncertain_at(std::int64_t us) { return {true, false, {us}, 3'600'000'000, false}; }

struct Bench {
    sim::SimDeviceSpool inner{{1}};
    LossySpool spool{*inner};
    SetClock clock;

    // What the spool keeps; 0: nothing.
    std::int64_t kept() {
        TimeKeeper next{clock, spool};
        return next.floor().value_or(WallUs{}).value;
    }
};

}  // namespace

TEST_CASE("time: a clock is believed unless it shows what has already been") {
    Bench bench;
    bench.clock.reading = synchronized_at(today);
    {
        TimeKeeper keeper{bench.clock, bench.spool};
        keeper.at({0});
        keeper.keep(true);
    }
    struct Case {
        const char* what;
        WallReading clock;
        bool known;
        std::int64_t disbelieved;
    };
    const Case cases[] = {
        {"later", uncertain_at(today + 1), true, 0},
        {"the same", uncertain_at(today), true, 0},
        {"an hour before", synchronized_at(today - hour_us), false, today - hour_us},
        {"1970", {false, false, {5'000'000}, 0, false}, false, 5'000'000},
        {"ten years before", uncertain_at(today - years_10), false, today - years_10},
        {"ten years later", uncertain_at(today + years_10), true, 0},
        {"no clock", {}, false, 0},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        bench.clock.reading = each.clock;
        TimeKeeper keeper{bench.clock, bench.spool};
        keeper.at({0});
        CHECK(keeper.read().known == each.known);
        CHECK(keeper.disbelieved().value_or(WallUs{}).value == each.disbelieved);
    }
}

TEST_CASE("time: the date is noted at most once an hour, and at a stop") {
    Bench bench;
    TimeKeeper keeper{bench.clock, bench.spool};
    for (std::int64_t minute = 0; minute <= 150; ++minute) {
        bench.clock.reading = synchronized_at(today + minute * 60'000'000);
        keeper.at({minute * 60'000});
        keeper.keep(false);
    }
    CHECK(bench.spool.states_put == 3);  // at once, and after 60 and 120 minutes
    CHECK(bench.kept() == today + 2 * hour_us);
    keeper.keep(true);
    CHECK(bench.kept() == today + 150 * 60'000'000LL);
    keeper.keep(true);
    CHECK(bench.spool.states_put == 4);

    // A device that boots all the time does not wear its flash out by it.
    for (int boot = 0; boot < 10; ++boot) {
        TimeKeeper next{bench.clock, bench.spool};
        next.at({0});
        next.keep(false);
    }
    CHECK(bench.spool.states_put == 4);
}

TEST_CASE("time: only a date that somebody vouches for becomes the floor") {
    Bench bench;
    TimeKeeper keeper{bench.clock, bench.spool};
    bench.clock.reading = uncertain_at(today + years_10);
    keeper.at({0});
    keeper.keep(true);
    CHECK(bench.kept() == 0);
    bench.clock.reading = synchronized_at(today);
    keeper.at({1000});
    CHECK(keeper.read().known);
    keeper.keep(true);
    CHECK(bench.kept() == today);
}

TEST_CASE("time: without a clock the collector's date holds, give or take half the round trip") {
    Bench bench;
    bench.clock.reading = {};
    TimeKeeper keeper{bench.clock, bench.spool};
    keeper.at({1000});
    CHECK_FALSE(keeper.read().known);
    keeper.on_server_time({{today}, {1000}, {1400}});
    const WallReading then = keeper.read();
    CHECK(then.known);
    CHECK(then.synchronized);
    CHECK(then.from_collector);
    CHECK(then.now.value == today + 200'000);  // it was said in the middle of the round trip
    CHECK(then.error_us >= 201'000);
    CHECK(then.error_us <= 201'002);

    keeper.at({1400 + 3'600'000});
    CHECK(keeper.read().now.value == today + 200'000 + hour_us);
    CHECK(keeper.read().error_us >= 201'000 + 360'000);  // a clock drifts
    keeper.keep(false);
    CHECK(bench.kept() == today + 200'000 + hour_us);

    bench.clock.reading = synchronized_at(today + 2 * hour_us);
    keeper.at({8'000'000});
    CHECK_FALSE(keeper.read().from_collector);  // its own is better, once it has one
}

TEST_CASE("time: a clock that nobody vouches for gives way to the collector's date") {
    Bench bench;
    bench.clock.reading = uncertain_at(today + years_10);
    TimeKeeper keeper{bench.clock, bench.spool};
    keeper.at({1000});
    CHECK(keeper.read().now.value == today + years_10);  // better than nothing
    keeper.on_server_time({{today}, {1000}, {1400}});
    CHECK(keeper.read().from_collector);
    CHECK(keeper.read().now.value == today + 200'000);
    bench.clock.reading = synchronized_at(today + hour_us);
    keeper.at({3'601'000});
    CHECK_FALSE(keeper.read().from_collector);
}

TEST_CASE("time: whatever moment the collector's date is of, the error covers it") {
    for (std::int64_t stamped_ms = 1000; stamped_ms <= 1401; stamped_ms += 7) {
        CAPTURE(stamped_ms);
        Bench bench;
        bench.clock.reading = {};
        TimeKeeper keeper{bench.clock, bench.spool};
        // The truth: at the monotonic time t it is today + t.
        keeper.on_server_time({{today + stamped_ms * 1000}, {1000}, {1400}});
        const WallReading reading = keeper.read();
        const std::int64_t truth = today + 1'400'000;
        CHECK(std::abs(reading.now.value - truth) <= static_cast<std::int64_t>(reading.error_us));
    }
}

TEST_CASE("time: a floor that was noted wrongly is mended by the collector") {
    Bench bench;
    bench.clock.reading = synchronized_at(today + years_10);
    {
        TimeKeeper keeper{bench.clock, bench.spool};
        keeper.at({0});
        keeper.keep(true);
    }
    bench.clock.reading = synchronized_at(today);
    TimeKeeper keeper{bench.clock, bench.spool};
    keeper.at({0});
    CHECK_FALSE(keeper.read().known);
    keeper.on_server_time({{today}, {0}, {100}});
    keeper.at({200});
    CHECK(keeper.read().known);
    CHECK_FALSE(keeper.read().from_collector);
    keeper.keep(false);
    CHECK(bench.kept() == today);
}
