#include "collector/app/last_moment.hpp"

#include <catch2/catch_test_macros.hpp>
#include <future>

using namespace longhaul::collector;

TEST_CASE("last moment: acts when its time has come, and not on what has ended before") {
    std::promise<void> acted;
    LastMoment now{std::chrono::milliseconds{0}, [&acted] { acted.set_value(); }};
    now.begin();
    CHECK(acted.get_future().wait_for(std::chrono::minutes{1}) == std::future_status::ready);

    bool other = false;
    {
        LastMoment later{std::chrono::hours{1}, [&other] { other = true; }};
        later.begin();
        const LastMoment never{std::chrono::milliseconds{0}, [&other] { other = true; }};
    }
    CHECK_FALSE(other);
}

TEST_CASE("last moment: a signal begins its time") {
    std::promise<void> acted;
    const LastMoment now{std::chrono::milliseconds{0}, [&acted] { acted.set_value(); }};
    CHECK(std::raise(SIGTERM) == 0);
    CHECK(acted.get_future().wait_for(std::chrono::minutes{1}) == std::future_status::ready);
}
