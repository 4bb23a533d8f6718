#include "agent/core/retry_timer.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "firmware-sim/sim_device_spool.hpp"
#include "tests/unit/agent/fixtures.hpp"

using namespace longhaul;
using namespace longhaul::agent;

TEST_CASE("retry: the bound doubles from a second to a quarter of an hour, and success resets it") {
    sim::SimDeviceSpool device_spool{{1}};
    Spool& spool = *device_spool;
    test::SeededEntropy entropy;
    RetryTimer timer{spool, entropy};
    for (const std::int64_t bound : {1000, 2000, 4000, 8000, 16'000, 32'000, 64'000, 128'000,
                                     256'000, 512'000, 900'000, 900'000}) {
        CHECK(timer.delay_ms_bound() == bound);
        timer.failed();
    }
    timer.succeeded();
    CHECK(timer.delay_ms_bound() == 1000);
}

TEST_CASE("retry: delays are spread over the whole range below the bound") {
    sim::SimDeviceSpool device_spool{{1}};
    Spool& spool = *device_spool;
    test::SeededEntropy entropy{99};
    RetryTimer timer{spool, entropy};
    for (int i = 0; i < 5; ++i) timer.failed();
    std::int64_t shortest = INT64_MAX;
    std::int64_t longest = 0;
    for (int i = 0; i < 1000; ++i) {
        const std::int64_t delay = timer.delay_ms();
        shortest = std::min(shortest, delay);
        longest = std::max(longest, delay);
    }
    CHECK(shortest >= 0);
    CHECK(shortest < 500);
    CHECK(longest <= 32'000);
    CHECK(longest > 31'500);
}

TEST_CASE("retry: the number of failures survives a reboot") {
    sim::SimDeviceSpool device_spool{{1}};
    Spool& spool = *device_spool;
    test::SeededEntropy entropy;
    {
        RetryTimer timer{spool, entropy};
        for (int i = 0; i < 4; ++i) timer.failed();
    }
    const RetryTimer again{spool, entropy};
    CHECK(again.failures() == 4);
    CHECK(again.delay_ms_bound() == 16'000);
}
