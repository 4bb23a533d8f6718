// What a device of `longhaul-sim fleet` measures when.
#include <catch2/catch_test_macros.hpp>

#include "firmware-sim/fleet/fleet_source.hpp"

using namespace longhaul;
using namespace longhaul::sim;

namespace {

constexpr std::int64_t gap_ms = 100;
constexpr MonotonicMs begin{5000};
constexpr WallUs wall{1'700'000'000'000'000};

int count_until(FleetSource& source, MonotonicMs now) {
    int count = 0;
    while (source.next(now) != nullptr) ++count;
    return count;
}

}  // namespace

TEST_CASE("fleet: what nobody asked for in time waits, with the time at which it was measured") {
    const auto plan = make_generator("vehicle", 1, Pace{gap_ms, 1000});
    FleetSource source{*plan, 3, 10};
    source.begin(begin, wall);
    CHECK(source.next(begin + -1) == nullptr);
    CHECK(source.next_at() == begin);
    const Sample* const first = source.next(begin + 250);
    REQUIRE(first != nullptr);
    CHECK(first->time == wall.value);
    const Sample* const second = source.next(begin + 250);
    REQUIRE(second != nullptr);
    CHECK(second->time == wall.value + gap_ms * 1000);
    CHECK(second->values[0].integer == 1);
    CHECK(count_until(source, begin + 250) == 1);
    CHECK(source.next_at() == begin + 300);
    CHECK(count_until(source, begin + 100'000) == 7);
    CHECK(source.next_at() == MonotonicMs::never());
}

TEST_CASE("fleet: a batch has what was due when it began, and the next one what comes behind it") {
    const auto plan = make_generator("vehicle", 1, Pace{gap_ms, 1000});
    FleetSource source{*plan, 3, 10};
    source.begin(begin, wall);
    source.end_batch_at(begin + 399);
    CHECK(count_until(source, begin + 100'000) == 4);
    CHECK(source.next_at() == MonotonicMs::never());
    source.end_batch_at(begin + 100'000);
    CHECK(source.next_at() == begin + 400);
    CHECK(count_until(source, begin + 100'000) == 6);
    CHECK(source.given() == 10);
}
