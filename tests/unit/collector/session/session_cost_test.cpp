// What a session tells the journal of its connection: time and bytes, in parts.
#include <catch2/catch_test_macros.hpp>
#include <numeric>

#include "tests/unit/collector/session/talk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

TEST_CASE("session: what its connection costs is told in intervals and at its end, once") {
    Talk talk{[](SessionSettings& settings) {
        settings.cost_interval_ms = 600'000;
        settings.idle_deadline_ms = 10'000'000;
    }};
    talk.introduce();
    const std::size_t submitted = talk.submitted.size();
    Session& session = talk.session();
    CHECK(session.deadline() == MonotonicMs{600'000});
    WireBytes wire{1000, 500};
    CHECK_FALSE(session.take_cost({599'999}, wire, false));
    CHECK(wire == WireBytes{1000, 500});
    // The handshake was before the session, and counts.
    CHECK(session.take_cost({600'020}, wire, false) == ConnectionCost{600'020, {1000, 500}, false});
    CHECK(wire == WireBytes{});
    CHECK(session.deadline() == MonotonicMs{1'200'020});
    wire = {7, 11};
    CHECK_FALSE(session.take_cost({600'021}, wire, false));
    CHECK(session.take_cost({600'720}, wire, true) == ConnectionCost{700, {7, 11}, true});
    wire = {20, 20};
    CHECK_FALSE(session.take_cost({9'000'000}, wire, true));
    CHECK(session.deadline() == MonotonicMs{10'000'001});
    CHECK(talk.submitted.size() == submitted);  // the device waits for none of it
}

TEST_CASE("session: what the device has to send is told with the first part, if it said so") {
    using Waiting = std::vector<std::uint32_t>;
    for (const Waiting& waiting : {Waiting{}, Waiting{0, 0, 0, 0}, Waiting{1, 20, 300, 4000},
                                   Waiting{UINT32_MAX, UINT32_MAX}}) {
        CAPTURE(waiting.size());
        Talk talk{[](SessionSettings& settings) { settings.cost_interval_ms = 1000; }};
        longhaul_Hello hello = longhaul_Hello_init_zero;
        hello.protocol = protocol_version;
        hello.waiting_count = static_cast<pb_size_t>(waiting.size());
        std::copy(waiting.begin(), waiting.end(), hello.waiting);
        talk.hear_hello(hello);
        const std::uint64_t sum = std::accumulate(waiting.begin(), waiting.end(), std::uint64_t{0});
        WireBytes wire{};
        const auto first = talk.session().take_cost({1000}, wire, false);
        REQUIRE(first);
        REQUIRE(first->backlog.has_value() == !waiting.empty());
        if (first->backlog) CHECK(*first->backlog == std::min<std::uint64_t>(sum, UINT32_MAX));
        const auto last = talk.session().take_cost({1500}, wire, true);
        REQUIRE(last);
        CHECK_FALSE(last->backlog);
    }
}

TEST_CASE("session: one that never said anything cost something, too") {
    Talk talk;
    WireBytes wire{2000, 1500};
    CHECK(talk.session().take_cost({40}, wire, true) == ConnectionCost{40, {2000, 1500}, true});
}
