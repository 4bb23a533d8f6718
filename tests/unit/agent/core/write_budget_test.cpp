#include "agent/core/write_budget.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace longhaul;
using namespace longhaul::agent;

namespace {

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t day_ms = 24 * hour_ms;
constexpr std::uint64_t mebibyte = 1 << 20;

}  // namespace

TEST_CASE("write budget: without one nothing is ever overdrawn") {
    WriteBudget budget{0};
    budget.account({0}, 0);
    budget.account({1}, UINT64_MAX);
    CHECK_FALSE(budget.limits());
    CHECK_FALSE(budget.overdrawn());
}

TEST_CASE("write budget: an hour's allowance may be spent at once, 64 KiB at least") {
    struct Case {
        std::uint64_t a_day;
        std::uint64_t burst;
    };
    for (const Case& each : {Case{24 * mebibyte, mebibyte}, Case{100'000, 65'536}}) {
        CAPTURE(each.a_day);
        WriteBudget budget{each.a_day};
        budget.account({1000}, 500);  // what was written before does not count
        budget.account({1000}, 500 + each.burst);
        CHECK_FALSE(budget.overdrawn());
        budget.account({1000}, 500 + each.burst + 1);
        CHECK(budget.overdrawn());
    }
}

TEST_CASE("write budget: it is overdrawn for as long as the allowance takes to build up") {
    WriteBudget budget{24 * mebibyte};
    budget.account({0}, 0);
    budget.account({0}, 3 * mebibyte);  // two hours too much
    CHECK(budget.overdrawn());
    CHECK(budget.allowed_at() == MonotonicMs{2 * hour_ms});
    budget.account({2 * hour_ms - 1}, 3 * mebibyte);
    CHECK(budget.overdrawn());
    budget.account({2 * hour_ms}, 3 * mebibyte);
    CHECK_FALSE(budget.overdrawn());
    CHECK(budget.allowed_at() == MonotonicMs{2 * hour_ms});
    budget.account({100 * day_ms}, 3 * mebibyte);  // no more than an hour's builds up
    budget.account({100 * day_ms}, 4 * mebibyte + 1);
    CHECK(budget.overdrawn());
}

TEST_CASE("write budget: whoever writes only when it allows keeps to it") {
    constexpr std::uint64_t a_day = 10 * mebibyte;
    WriteBudget budget{a_day};
    std::uint64_t written = 0;
    for (std::int64_t minute = 0; minute < 10 * 1440; ++minute) {
        budget.account({minute * 60'000}, written);
        if (!budget.overdrawn()) written += 20'000;
    }
    CHECK(written <= 10 * a_day + a_day / 24 + 20'000);
    CHECK(written >= 10 * a_day - 20'000);
}

TEST_CASE("write budget: numbers as large as they can be harm nobody") {
    WriteBudget budget{UINT64_MAX};
    budget.account({0}, 0);
    budget.account({INT64_MAX / 2}, UINT64_MAX);
    budget.account({INT64_MAX / 2}, 0);  // a count that falls is of another spool
    budget.account({INT64_MAX / 2 + 1}, UINT64_MAX);
    CHECK(budget.overdrawn());
    CHECK(budget.allowed_at() < MonotonicMs::never());
}

TEST_CASE("life: the erases that are left, at the rate of those seen") {
    struct Case {
        const char* what;
        SpoolWear wear;
        std::uint64_t before;
        std::int64_t elapsed_ms;
        std::optional<std::uint64_t> days;
    };
    const auto of = [](std::uint32_t sectors, std::uint64_t erases, std::uint32_t bad = 0) {
        SpoolWear wear;
        wear.sectors = sectors;
        wear.sectors_bad = bad;
        wear.erases = erases;
        return wear;
    };
    const Case cases[] = {
        {"the storage does not tell", of(0, 0), 0, day_ms, std::nullopt},
        {"nothing was erased yet", of(100, 50), 50, day_ms, std::nullopt},
        {"too early", of(100, 51), 50, hour_ms - 1, std::nullopt},
        {"a new one, 100 erases a day", of(100, 100), 0, day_ms, 99'999},
        {"half used up", of(100, 5'000'000), 4'999'000, 10 * day_ms, 50'000},
        {"half of the sectors are bad", of(100, 1'000'000, 50), 999'990, day_ms, 400'000},
        {"used up", of(100, 10'000'001), 10'000'000, day_ms, 0},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        CHECK(days_left(each.wear, each.before, each.elapsed_ms, 100'000) == each.days);
    }
}
