#include "collector/app/last_moment.hpp"

#include <catch2/catch_test_macros.hpp>
#include <future>

using namespace longhaul;
using namespace longhaul::collector;

TEST_CASE("last moment: acts when its time has come, and not on what has ended before") {
    std::promise<void> acted;
    const LastMoment now{monotonic_now(), [&acted] { acted.set_value(); }};
    CHECK(acted.get_future().wait_for(std::chrono::minutes{1}) == std::future_status::ready);

    bool other = false;
    {
        const LastMoment later{monotonic_now() + 3'600'000, [&other] { other = true; }};
    }
    CHECK_FALSE(other);
}
