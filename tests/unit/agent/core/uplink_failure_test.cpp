#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <functional>

#include "tests/unit/agent/core/uplink_bench.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

using Bench = UplinkBench;
using Kind = UplinkAction::Kind;
constexpr auto normal = BlockClass::normal;

}  // namespace

TEST_CASE("uplink: what breaks the protocol ends the session") {
    const auto ack_of = [](std::uint8_t journal, std::uint32_t first, std::uint32_t last) {
        longhaul_Ack ack = longhaul_Ack_init_zero;
        std::memset(ack.journal_uuid, journal, sizeof(ack.journal_uuid));
        ack.ranges[0] = {1, first, last};
        ack.ranges_count = 1;
        return ack;
    };
    struct Case {
        const char* what;
        std::function<void(Bench&)> act;
    };
    const auto raw = [](Bench& bench, std::initializer_list<int> bytes) {
        std::vector<std::byte> list;
        for (const int byte : bytes) list.push_back(static_cast<std::byte>(byte));
        bench.uplink->on_bytes(list, bench.now);
        bench.run();
    };
    const Case cases[] = {
        {"an Ack of another journal", [&](Bench& b) { b.send(ack_of(9, 1, 1)); }},
        {"a range backwards", [&](Bench& b) { b.send(ack_of(1, 2, 1)); }},
        {"a range over two classes",
         [&](Bench& b) { b.send(ack_of(1, 1, BlockSeq::of(BlockClass::bulk, 1).value)); }},
        {"a second Welcome", [&](Bench& b) { b.send(b.welcome_of(journal_numbered(1))); }},
        {"a frame that only a device sends", [&](Bench& b) { raw(b, {0x01, 0, 0, 0}); }},
        {"a type that nobody knows", [&](Bench& b) { raw(b, {0x7f, 0, 0, 0}); }},
        {"a reserved type", [&](Bench& b) { raw(b, {0x84, 0, 0, 0}); }},
        {"a message longer than its limit", [&](Bench& b) { raw(b, {0x83, 0xff, 0xff, 0xff}); }},
        {"a message that is no protobuf", [&](Bench& b) { raw(b, {0x83, 2, 0, 0, 0xff, 0xff}); }},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        Bench bench;
        bench.greet();
        bench.send(bench.welcome_of(journal_numbered(1)));
        REQUIRE(bench.uplink->status().connected);
        each.act(bench);
        CHECK(bench.last_action == Kind::close);
        CHECK_FALSE(bench.uplink->status().connected);
        CHECK(*bench.uplink->status().last_trouble != '\0');
        bench.greet();  // and it comes back
    }
}

TEST_CASE("uplink: a block frame from the collector does not stall the session") {
    Bench bench;
    bench.greet();
    const std::vector<std::byte> header{std::byte{4}, std::byte{0}, std::byte{0x20}, std::byte{0}};
    bench.uplink->on_bytes(header, bench.now);
    const std::vector<std::byte> much(8192);
    bench.uplink->on_bytes(much, bench.now);
    bench.run();
    CHECK(bench.last_action == Kind::close);
}

TEST_CASE("uplink: every wait has a deadline") {
    Bench bench;
    SECTION("connecting: 30 seconds") {
        bench.reachable = false;
        bench.now = bench.uplink->deadline();
        bench.run();
        CHECK(bench.last_action == Kind::open);
        const MonotonicMs began = bench.now;
        CHECK(bench.uplink->deadline() == began + Uplink::open_ms_max);
        bench.now = began + (Uplink::open_ms_max - 1);
        CHECK(bench.uplink->next(bench.now).kind == Kind::wait);
        bench.now = began + Uplink::open_ms_max;
        CHECK(bench.uplink->next(bench.now).kind == Kind::close);
    }
    SECTION("Welcome: 30 seconds after Hello") {
        bench.greet();
        const MonotonicMs began = bench.now;
        CHECK(bench.uplink->deadline() == began + Uplink::welcome_ms_max);
        bench.now = began + Uplink::welcome_ms_max;
        CHECK(bench.uplink->next(bench.now).kind == Kind::close);
    }
    SECTION("Ack: 60 seconds after the oldest block without one") {
        bench.add_epoch(1);
        bench.add_block(normal, 1, 1, 101);
        bench.greet();
        bench.send(bench.welcome_of(journal_numbered(1)));
        const MonotonicMs sent = bench.now;
        bench.now = sent + 50'000;
        bench.add_block(normal, 1, 2, 102);
        bench.run();
        CHECK(bench.uplink->deadline() == sent + Uplink::ack_ms_max);
        SECTION("an Ack gives the rest new time") {
            bench.acknowledge(normal, 1, 1, 1);
            CHECK(bench.uplink->deadline() == bench.now + Uplink::ack_ms_max);
            bench.acknowledge(normal, 1, 2, 2);
            CHECK(bench.uplink->deadline() == MonotonicMs::never());
        }
        SECTION("without one it starts over") {
            bench.now = sent + Uplink::ack_ms_max;
            CHECK(bench.uplink->next(bench.now).kind == Kind::close);
        }
    }
}

TEST_CASE("uplink: after a failure it waits longer and longer, after an Ack as at first") {
    Bench bench;
    bench.add_epoch(1);
    bench.add_block(normal, 1, 1, 101);
    bench.reachable = false;
    for (const std::int64_t bound : {1000, 2000, 4000, 8000}) {
        const MonotonicMs before = bench.now;
        CHECK(bench.uplink->deadline() - before <= bound);
        bench.now = bench.uplink->deadline();
        bench.run();
        bench.uplink->on_closed(bench.now);
    }
    bench.reachable = true;
    bench.greet();
    bench.send(bench.welcome_of(journal_numbered(1)));
    bench.acknowledge(normal, 1, 1, 1);
    bench.uplink->on_closed(bench.now);
    CHECK(bench.uplink->deadline() - bench.now <= 1000);
}

TEST_CASE("uplink: it stays away for as long as the collector asks, and keeps what it said") {
    Bench bench;
    bench.greet();
    longhaul_Bye bye = longhaul_Bye_init_zero;
    bye.reason = longhaul_ByeReason_BYE_REASON_BUSY;
    std::strcpy(bye.text, "come back later");
    bye.retry_after_ms = 70'000;
    bench.send(bye);
    CHECK(bench.last_action == Kind::close);
    CHECK(bench.uplink->deadline() == bench.now + 70'000);
    CHECK(std::string{bench.uplink->status().last_bye.data()} == "come back later");
}

TEST_CASE("uplink: after hours of having nothing to say it comes back at once") {
    Bench bench;
    for (int hours = 0; hours < 20; ++hours) {
        bench.greet();
        bench.send(bench.welcome_of(journal_numbered(1)));
        longhaul_Bye bye = longhaul_Bye_init_zero;
        bye.reason = longhaul_ByeReason_BYE_REASON_IDLE;
        bye.retry_after_ms = 1000;
        bench.send(bye);
        CHECK(bench.uplink->deadline() - bench.now == 1000);
    }
}

TEST_CASE("uplink: leaving says goodbye and does not come back") {
    Bench bench;
    bench.greet();
    bench.send(bench.welcome_of(journal_numbered(1)));
    bench.uplink->leave(bench.now);
    CHECK(bench.words(bench.run()) == "bye");
    CHECK(bench.uplink->left());
    bench.now = bench.now + 3'600'000;
    CHECK(bench.uplink->next(bench.now).kind == Kind::wait);
}

TEST_CASE("uplink: leaving while the link opens closes it, also when it opens in the same moment") {
    Bench bench;
    bench.now = bench.uplink->deadline();
    REQUIRE(bench.uplink->next(bench.now).kind == Kind::open);
    bench.uplink->leave(bench.now);
    bench.uplink->on_open(bench.now);
    CHECK(bench.uplink->next(bench.now).kind == Kind::close);
    bench.uplink->on_closed(bench.now);
    CHECK(bench.uplink->left());
}

TEST_CASE("uplink: leaving over a link that takes nothing ends after two seconds") {
    Bench bench;
    bench.add_epoch(1);
    bench.add_block(normal, 1, 1, 101);
    bench.greet();
    std::array<std::byte, 4096> room;
    ByteWriter out{room};
    REQUIRE(write_message(bench.welcome_of(journal_numbered(1)), out).ok());
    bench.uplink->on_bytes(out.written(), bench.now);
    CHECK(bench.uplink->next(bench.now).kind == Kind::write);
    bench.uplink->leave(bench.now);
    CHECK(bench.uplink->next(bench.now).kind == Kind::write);
    CHECK(bench.uplink->next(bench.now + 2000).kind == Kind::close);
}
