// Who has to make room for another handshake.
#include "collector/net/handshakes.hpp"

#include <catch2/catch_test_macros.hpp>
#include <future>

using namespace longhaul::collector;

namespace {

struct FakeShaker final : Shaker {
    explicit FakeShaker(std::shared_future<void> may_end_in) : may_end{std::move(may_end_in)} {}
    void work() override { may_end.wait(); }
    void on_worked() override { worked = true; }
    void on_dropped() override { dropped = true; }

    std::shared_future<void> may_end;
    bool worked = false;
    bool dropped = false;
};

}  // namespace

TEST_CASE("handshakes: when nobody waits for its peer, one that has had no turn makes room") {
    boost::asio::io_context network;
    std::promise<void> end;
    const std::shared_future<void> may_end{end.get_future()};
    Handshakes handshakes{network.get_executor()};
    std::vector<std::shared_ptr<FakeShaker>> shakers;
    const std::size_t places = std::thread::hardware_concurrency() + 1;  // more than threads
    for (std::size_t i = 0; i < places; ++i) {
        shakers.push_back(std::make_shared<FakeShaker>(may_end));
        handshakes.enter(*shakers.back(), places);
        handshakes.submit(shakers.back(), HandshakeStep::begin);
    }
    FakeShaker newcomer{may_end};
    handshakes.enter(newcomer, places);
    std::size_t dropped = 0;
    for (const auto& each : shakers) dropped += each->dropped ? 1U : 0U;
    CHECK(dropped == 1);
    CHECK_FALSE(newcomer.dropped);
    end.set_value();
    while (std::any_of(shakers.begin(), shakers.end(),
                       [](const auto& each) { return !each->dropped && !each->worked; })) {
        network.run_one();
        network.restart();
    }
    handshakes.leave(newcomer);
}
