// Whose handshake is worked on next.
#include "collector/net/handshake_queue.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace longhaul;
using namespace longhaul::collector;

namespace {

std::string all_of(HandshakeQueue<char>& queue, MonotonicMs now) {
    std::string jobs;
    while (const auto job = queue.next(now)) {
        jobs += *job;
        queue.done();
    }
    return jobs;
}

}  // namespace

TEST_CASE("handshakes: what was begun is finished first, then come those who resume") {
    HandshakeQueue<char> queue{4, 100};
    queue.add(HandshakeStep::begin, 'a');
    queue.add(HandshakeStep::begin, 'b');
    queue.add(HandshakeStep::resume, 'c');
    queue.add(HandshakeStep::go_on, 'd');
    queue.add(HandshakeStep::resume, 'e');
    CHECK(all_of(queue, {0}) == "dceab");
}

TEST_CASE("handshakes: no more are worked on at once than there are threads") {
    HandshakeQueue<char> queue{2, 100};
    for (const char job : {'a', 'b', 'c'}) queue.add(HandshakeStep::resume, job);
    CHECK(queue.next({0}) == 'a');
    CHECK(queue.next({0}) == 'b');
    CHECK_FALSE(queue.next({0}).has_value());
    queue.done();
    CHECK(queue.next({0}) == 'c');
}

TEST_CASE("handshakes: full ones begin at their rate, others do not wait for them") {
    HandshakeQueue<char> queue{8, 2};
    for (int i = 0; i < 8; ++i) queue.add(HandshakeStep::begin, 'f');
    CHECK(all_of(queue, {1000}) == "ff");
    queue.add(HandshakeStep::resume, 'r');
    queue.add(HandshakeStep::go_on, 'g');
    CHECK(all_of(queue, {1001}) == "gr");
    CHECK(queue.due({1001}) == MonotonicMs{1500});
    CHECK(all_of(queue, {1499}).empty());
    CHECK(all_of(queue, {1500}) == "f");
    CHECK(all_of(queue, {60'000}) == "ff");  // a long pause allows a second's worth
    CHECK(queue.waiting() == 3);
}

TEST_CASE("handshakes: one that is withdrawn has no turn") {
    HandshakeQueue<char> queue{8, 100};
    queue.add(HandshakeStep::begin, 'a');
    queue.add(HandshakeStep::begin, 'b');
    CHECK(queue.withdraw([](char job) { return job == 'a'; }));
    CHECK_FALSE(queue.withdraw([](char job) { return job == 'a'; }));
    CHECK(all_of(queue, {0}) == "b");
}

TEST_CASE("handshakes: who makes room is the oldest of those whose turn comes last") {
    HandshakeQueue<char> queue{8, 100};
    queue.add(HandshakeStep::begin, 'a');
    queue.add(HandshakeStep::begin, 'b');
    queue.add(HandshakeStep::go_on, 'c');
    queue.add(HandshakeStep::resume, 'd');
    for (const char job : {'a', 'b', 'd', 'c'}) CHECK(queue.withdraw_last() == job);
    CHECK_FALSE(queue.withdraw_last().has_value());
}
