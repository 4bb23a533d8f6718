#include "agent/core/send_order.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cctype>
#include <random>
#include <string>

#include "tests/unit/agent/core/uplink_bench.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

// So many blocks of each class wait; the epoch of the backlog is 1, that of what is live 2.
struct Waiting {
    std::array<std::uint32_t, block_class_count> backlog{};
    std::array<std::uint32_t, block_class_count> live{};
};

// The order in which they are sent, a letter a block: "A" a live alarm, "a" one of the backlog, and
// so on with L live, N normal and B bulk.
std::string order_of(const Waiting& waiting) {
    SendOrder order;
    SendOrder::Places newest;
    newest.fill({{1}, BlockSeq::number_max});
    order.begin(newest);
    std::string sent;
    while (const std::optional<Lane> lane = order.next()) {
        const auto index = static_cast<std::size_t>(lane->block_class);
        const BlockPlace after = order.after(*lane);
        const std::uint32_t epoch = lane->live ? 2 : 1;
        const std::uint32_t number = after.epoch.value == epoch ? after.number + 1 : 1;
        if (number > (lane->live ? waiting.live : waiting.backlog)[index]) {
            order.is_empty(*lane);
            continue;
        }
        order.sent(*lane, {{epoch}, number});
        sent += (lane->live ? "ALNB" : "alnb")[index];
    }
    return sent;
}

}  // namespace

TEST_CASE("send order: alarms, then what is new by class, then what waited, with its share") {
    struct Case {
        const char* what;
        Waiting waiting;
        const char* sent;
    };
    const Case cases[] = {
        {"nothing", {}, ""},
        {"a backlog alone goes by class", {{2, 1, 2, 1}, {}}, "aalnnb"},
        {"what is new goes by class", {{}, {1, 2, 2, 1}}, "ALLNNB"},
        {"alarms first, then what is new", {{1, 0, 1, 0}, {1, 0, 1, 1}}, "AaNBn"},
        {"one in four is of the backlog", {{0, 0, 3, 0}, {0, 9, 0, 0}}, "LLLnLLLnLLLn"},
        {"live alarms leave the backlog its share, too", {{0, 0, 1, 1}, {7, 0, 0, 0}}, "AAAnAAAbA"},
        {"an alarm of the backlog is its share", {{1, 0, 1, 0}, {6, 1, 0, 0}}, "AAAaAAAnL"},
        {"the backlog goes on when nothing is new", {{0, 0, 4, 0}, {0, 2, 0, 0}}, "LLnnnn"},
        {"no backlog, no pause", {{}, {0, 5, 1, 0}}, "LLLLLN"},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        CHECK(order_of(each.waiting) == each.sent);
    }
}

TEST_CASE("send order: while a backlog waits, it gets one block in four, whatever comes") {
    std::mt19937 random{4711};
    for (int round = 0; round < 200; ++round) {
        CAPTURE(round);
        Waiting waiting;
        for (auto* const counts : {&waiting.backlog, &waiting.live}) {
            for (std::uint32_t& count : *counts) count = static_cast<std::uint32_t>(random() % 9);
        }
        const std::string sent = order_of(waiting);
        std::size_t total = 0;
        for (std::size_t i = 0; i < block_class_count; ++i)
            total += waiting.backlog[i] + waiting.live[i];
        CHECK(sent.size() == total);  // nothing is forgotten
        const std::size_t last_of_backlog = sent.find_last_of("alnb");
        if (last_of_backlog == std::string::npos) continue;
        unsigned in_a_row = 0;
        for (const char block : sent.substr(0, last_of_backlog)) {
            in_a_row = std::isupper(block) != 0 ? in_a_row + 1 : 0;
            CHECK(in_a_row <= SendOrder::live_in_a_row_max);
        }
    }
}

TEST_CASE("send order: the marks hold what was sent in this session, and nothing after it") {
    SendOrder order;
    SendOrder::Places newest;
    newest.fill({{3}, 10});
    order.begin(newest);
    constexpr auto normal = BlockClass::normal;
    order.sent({normal, false}, {{2}, 7});
    order.sent({normal, true}, {{3}, 12});
    CHECK(order.marks().contains(normal, {{2}, 7}));
    CHECK_FALSE(order.marks().contains(normal, {{2}, 8}));
    CHECK_FALSE(order.marks().contains(normal, {{3}, 10}));
    CHECK(order.marks().contains(normal, {{3}, 11}));
    CHECK(order.marks().contains(normal, {{3}, 12}));
    CHECK_FALSE(order.marks().contains(normal, {{3}, 13}));
    CHECK_FALSE(order.marks().contains(BlockClass::bulk, {{2}, 1}));
    order.end();
    CHECK_FALSE(order.marks().contains(normal, {{2}, 7}));
    CHECK_FALSE(order.marks().contains(normal, {{3}, 12}));
}

TEST_CASE("uplink: after an outage what is new goes before what waited, which has its share") {
    constexpr auto alarm = BlockClass::alarm;
    constexpr auto live = BlockClass::live;
    constexpr auto normal = BlockClass::normal;
    UplinkBench bench;
    bench.add_epoch(1);
    for (std::uint32_t n = 1; n <= 3; ++n) bench.add_block(normal, 1, n, 100 + n);
    bench.add_block(alarm, 1, 1, 104);
    bench.restart();  // what waits is of an earlier boot
    bench.add_epoch(2);
    bench.greet();
    longhaul_Welcome welcome = bench.welcome_of(journal_numbered(1), 0);
    welcome.known_epochs[0] = {1, 9};
    welcome.known_epochs_count = 1;
    CHECK(bench.words(bench.send(welcome)).empty());  // no credit yet
    for (std::uint32_t n = 1; n <= 5; ++n) bench.add_block(live, 2, n, 110 + n);
    bench.add_block(normal, 2, 1, 121);
    bench.add_block(alarm, 2, 1, 122);
    CHECK(bench.words(bench.send(longhaul_Window{1 << 20})) ==
          "B0.2.1 B0.1.1 B1.2.1 B1.2.2 B1.2.3 B2.1.1 B1.2.4 B1.2.5 B2.2.1 B2.1.2 B2.1.3");
    const SentMarks& marks = bench.uplink->sent_marks();
    CHECK(marks.contains(normal, {{1}, 3}));
    CHECK(marks.contains(live, {{2}, 5}));
    CHECK_FALSE(marks.contains(live, {{2}, 6}));
    bench.uplink->on_closed(bench.now);
    CHECK_FALSE(bench.uplink->sent_marks().contains(normal, {{1}, 3}));
}

TEST_CASE("uplink: what was stored before the session in this boot is backlog, too") {
    constexpr auto live = BlockClass::live;
    constexpr auto normal = BlockClass::normal;
    UplinkBench bench;
    bench.add_epoch(1);
    bench.add_block(normal, 1, 1, 101);
    bench.add_block(live, 1, 1, 102);
    bench.greet();
    longhaul_Welcome welcome = bench.welcome_of(journal_numbered(1), 0);
    welcome.known_epochs[0] = {1, 9};
    welcome.known_epochs_count = 1;
    bench.send(welcome);
    bench.add_block(normal, 1, 2, 103);
    bench.add_block(BlockClass::bulk, 1, 1, 104);  // the first one of its class
    CHECK(bench.words(bench.send(longhaul_Window{1 << 20})) == "B2.1.2 B3.1.1 B1.1.1 B2.1.1");
}
