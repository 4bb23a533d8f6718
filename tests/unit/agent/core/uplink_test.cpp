#include "agent/core/uplink.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <functional>
#include <optional>

#include "firmware-sim/sim_spool.hpp"
#include "tests/unit/agent/fixtures.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

constexpr Incarnation incarnation{0xabcd};
using Kind = UplinkAction::Kind;

struct Seen {
    FrameType type;
    std::vector<std::byte> body;
};

JournalId journal_numbered(std::uint8_t number, std::uint32_t resend = 0) {
    JournalId id;
    id.uuid.fill(static_cast<std::byte>(number));
    id.resend = resend;
    return id;
}

// An uplink with a spool, and the test in the place of the collector.
class Bench {
 public:
    Bench()
        : streams_{{schema.stream(), schema_hash(schema.encoded())}},
          inbound_(uplink_inbound_bytes),
          frame_(uplink_frame_bytes(4096)),
          far_room_(frame_bytes_max) {
        restart();
    }

    // The device reboots; the spool stays.
    void restart() {
        uplink.emplace("test 1", streams_, UplinkPorts{spool, entropy_, clock_}, inbound_, frame_);
        uplink->start(now);
    }
    void add_epoch(std::uint32_t epoch) {
        const SchemaHash hash = schema_hash(schema.encoded());
        REQUIRE(spool.store_schema(hash, schema.encoded()).ok());
        const std::string record = "record of epoch " + std::to_string(epoch);
        REQUIRE(spool.store_epoch({epoch}, as_bytes(record), std::span{&hash, 1}).ok());
    }
    void add_block(BlockClass block_class, std::uint32_t epoch, std::uint32_t number,
                   std::size_t size = 100) {
        const std::vector<std::byte> sealed(size, static_cast<std::byte>(number));
        const SpoolTag tag{{incarnation, {epoch}, BlockSeq::of(block_class, number)}, 10, 0, 0};
        REQUIRE(spool.append(tag, sealed).ok());
        names_[sealed] = tag.name;
        uplink->wake();
    }

    // Lets the uplink do what it wants; returns the frames that it wrote.
    std::vector<Seen> run() {
        FrameReader reader{far_room_};
        std::vector<Seen> seen;
        for (int steps = 0; steps < 1000; ++steps) {
            const UplinkAction action = uplink->next(now);
            last_action = action.kind;
            if (action.kind == Kind::wait) return seen;
            if (action.kind == Kind::open && !reachable) return seen;
            if (action.kind == Kind::open) uplink->on_open(now);
            if (action.kind == Kind::close) {
                uplink->on_closed(now);
                return seen;
            }
            if (action.kind != Kind::write) continue;
            // A link takes what it likes.
            const std::size_t count = std::min<std::size_t>(action.bytes.size(), 37);
            REQUIRE(reader.feed(action.bytes.first(count)) == count);
            uplink->on_written(count);
            for (;;) {
                const Result<Frame> frame = reader.next();
                if (!frame.ok()) break;
                const Bytes body = frame.value().body;
                seen.push_back({frame.value().type, {body.begin(), body.end()}});
            }
        }
        FAIL("the uplink never rests");
        return seen;
    }
    // Passes time until the uplink has greeted.
    longhaul_Hello greet() {
        now = std::max(now, uplink->deadline());
        const std::vector<Seen> seen = run();
        REQUIRE(seen.size() == 1);
        REQUIRE(seen[0].type == FrameType::hello);
        longhaul_Hello hello;
        REQUIRE(parse_message(seen[0].body, hello).ok());
        return hello;
    }
    longhaul_Welcome welcome_of(const JournalId& id, std::uint64_t credit = 1 << 20) {
        longhaul_Welcome welcome = longhaul_Welcome_init_zero;
        std::memcpy(welcome.journal_uuid, id.uuid.data(), id.uuid.size());
        welcome.journal_resend = id.resend;
        welcome.credit = credit;
        journal_ = id;
        return welcome;
    }
    template <class Message>
    std::vector<Seen> send(const Message& message) {
        std::array<std::byte, 4096> room;
        ByteWriter out{room};
        if constexpr (std::is_same_v<Message, longhaul_Bye>) {
            REQUIRE(write_bye(FrameType::collector_bye, message, out).ok());
        } else {
            REQUIRE(write_message(message, out).ok());
        }
        uplink->on_bytes(out.written(), now);
        return run();
    }
    std::vector<Seen> acknowledge(BlockClass block_class, std::uint32_t epoch, std::uint32_t first,
                                  std::uint32_t last) {
        longhaul_Ack ack = longhaul_Ack_init_zero;
        std::memcpy(ack.journal_uuid, journal_.uuid.data(), journal_.uuid.size());
        ack.journal_resend = journal_.resend;
        ack.ranges[0] = {epoch, BlockSeq::of(block_class, first).value,
                         BlockSeq::of(block_class, last).value};
        ack.ranges_count = 1;
        return send(ack);
    }
    // "S E1 B0.1.2": schema, epoch record 1, block of class 0, epoch 1, number 2.
    std::string words(const std::vector<Seen>& seen) const {
        std::string text;
        for (const Seen& frame : seen) {
            if (!text.empty()) text += ' ';
            switch (frame.type) {
                case FrameType::hello:
                    text += "H";
                    break;
                case FrameType::schema:
                    text += "S";
                    break;
                case FrameType::bye:
                    text += "bye";
                    break;
                case FrameType::epoch:
                    text += "E" + std::string{as_text(frame.body)}.substr(16);
                    break;
                case FrameType::block: {
                    const BlockName& name = names_.at(frame.body);
                    text += "B" + std::to_string(static_cast<int>(name.seq.block_class())) + "." +
                            std::to_string(name.epoch.value) + "." +
                            std::to_string(name.seq.number());
                    break;
                }
                default:
                    text += "?";
                    break;
            }
        }
        return text;
    }
    std::uint32_t waiting() {
        const auto depth = spool.depth();
        std::uint32_t sum = 0;
        for (const std::uint32_t count : depth.value().waiting) sum += count;
        return sum;
    }

    OwnedSchema schema{"probe", {field_of(FieldKind::integer, "a")}};
    sim::SimSpool spool{incarnation};
    std::optional<Uplink> uplink;
    MonotonicMs now{1000};
    bool reachable = true;
    Kind last_action = Kind::wait;

 private:
    std::vector<AgentStream> streams_;
    SeededEntropy entropy_;
    SetClock clock_;
    std::vector<std::byte> inbound_;
    std::vector<std::byte> frame_;
    std::vector<std::byte> far_room_;
    std::map<std::vector<std::byte>, BlockName> names_;
    JournalId journal_;
};

constexpr auto alarm = BlockClass::alarm;
constexpr auto live = BlockClass::live;
constexpr auto normal = BlockClass::normal;

// Two epochs, three classes; sizes differ so that no two blocks are alike.
void fill(Bench& bench) {
    bench.add_epoch(3);
    bench.add_block(normal, 3, 1, 101);
    bench.add_block(normal, 3, 2, 102);
    bench.add_block(live, 3, 1, 103);
    bench.add_epoch(5);
    bench.add_block(normal, 5, 1, 104);
    bench.add_block(alarm, 5, 1, 105);
    bench.add_block(live, 5, 1, 106);
}

}  // namespace

TEST_CASE("uplink: Hello says what waits and which schemas it needs") {
    Bench bench;
    fill(bench);
    const longhaul_Hello hello = bench.greet();
    CHECK(hello.protocol == protocol_version);
    CHECK(std::string{hello.firmware} == "test 1");
    CHECK(hello.incarnation == incarnation.value);
    CHECK(hello.oldest_epoch == 3);
    CHECK(hello.newest_epoch == 5);
    CHECK(hello.epochs == 2);
    REQUIRE(hello.waiting_count == 4);
    CHECK(hello.waiting[0] == 1);
    CHECK(hello.waiting[1] == 2);
    CHECK(hello.waiting[2] == 3);
    CHECK(hello.schema_hashes_count == 1);
    CHECK(hello.wall_us == SetClock{}.reading.now.value);
}

TEST_CASE("uplink: before the first sample Hello already lists the schemas of this boot") {
    Bench bench;
    const longhaul_Hello hello = bench.greet();
    CHECK(hello.epochs == 0);
    CHECK(hello.schema_hashes_count == 1);
}

TEST_CASE("uplink: class 0 first, within a class by epoch and seq, each epoch introduced once") {
    struct Case {
        const char* what;
        std::uint32_t unknown_schemas;
        std::vector<longhaul_EpochRange> known;
        const char* frames;
    };
    const Case cases[] = {
        {"nothing is known", 1, {}, "S E5 B0.5.1 E3 B1.3.1 B1.5.1 B2.3.1 B2.3.2 B2.5.1"},
        {"the schema is known", 0, {}, "E5 B0.5.1 E3 B1.3.1 B1.5.1 B2.3.1 B2.3.2 B2.5.1"},
        {"one epoch is known", 0, {{1, 3}}, "E5 B0.5.1 B1.3.1 B1.5.1 B2.3.1 B2.3.2 B2.5.1"},
        {"both epochs are known", 0, {{3, 3}, {5, 9}}, "B0.5.1 B1.3.1 B1.5.1 B2.3.1 B2.3.2 B2.5.1"},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        Bench bench;
        fill(bench);
        bench.greet();
        longhaul_Welcome welcome = bench.welcome_of(journal_numbered(1));
        welcome.unknown_schemas = each.unknown_schemas;
        std::copy(each.known.begin(), each.known.end(), welcome.known_epochs);
        welcome.known_epochs_count = static_cast<pb_size_t>(each.known.size());
        CHECK(bench.words(bench.send(welcome)) == each.frames);
    }
}

TEST_CASE("uplink: a block that is appended later goes out at once, of a higher class first") {
    Bench bench;
    bench.add_epoch(1);
    bench.greet();
    CHECK(bench.send(bench.welcome_of(journal_numbered(1))).empty());
    bench.add_block(normal, 1, 1, 101);
    CHECK(bench.words(bench.run()) == "E1 B2.1.1");
    bench.add_block(normal, 1, 2, 102);
    bench.add_block(live, 1, 1, 103);
    CHECK(bench.words(bench.run()) == "B1.1.1 B2.1.2");
}

TEST_CASE("uplink: it never sends more bytes of blocks than the credit") {
    Bench bench;
    bench.add_epoch(1);
    for (std::uint32_t n = 1; n <= 4; ++n) bench.add_block(normal, 1, n, 100 + n);
    bench.greet();
    CHECK(bench.words(bench.send(bench.welcome_of(journal_numbered(1), 101 + 102))) ==
          "E1 B2.1.1 B2.1.2");
    CHECK(bench.words(bench.send(longhaul_Window{101 + 102 + 102})) == "");
    CHECK(bench.words(bench.send(longhaul_Window{101 + 102 + 103})) == "B2.1.3");
    CHECK(bench.words(bench.acknowledge(normal, 1, 1, 3)) == "");
    CHECK(bench.words(bench.send(longhaul_Window{101 + 102 + 103 + 104})) == "B2.1.4");
    SECTION("credit is not taken back") {
        bench.send(longhaul_Window{5});
        CHECK(bench.last_action == Kind::close);
    }
}

TEST_CASE("uplink: acknowledged blocks are durable in the spool and are not sent again") {
    Bench bench;
    fill(bench);
    bench.greet();
    bench.send(bench.welcome_of(journal_numbered(1)));
    bench.acknowledge(normal, 3, 1, 2);
    CHECK(bench.waiting() == 4);
    CHECK(bench.uplink->status().acked_blocks == 2);
    CHECK(bench.uplink->status().acked_samples == 20);
    bench.acknowledge(normal, 3, 1, 2);  // said twice is counted once
    CHECK(bench.uplink->status().acked_blocks == 2);

    bench.uplink->on_closed(bench.now);
    bench.greet();
    longhaul_Welcome welcome = bench.welcome_of(journal_numbered(1));
    welcome.known_epochs[0] = {1, 9};
    welcome.known_epochs_count = 1;
    CHECK(bench.words(bench.send(welcome)) == "B0.5.1 B1.3.1 B1.5.1 B2.5.1");
}

TEST_CASE("uplink: another journal voids the durable marks, the same one does not") {
    struct Case {
        const char* what;
        JournalId then;
        std::uint32_t waiting;
    };
    const Case cases[] = {
        {"the same", journal_numbered(1, 0), 4},
        {"another uuid", journal_numbered(2, 0), 6},
        {"it asks again", journal_numbered(1, 1), 6},
    };
    for (const Case& each : cases) {
        for (const bool reboot : {false, true}) {
            CAPTURE(each.what, reboot);
            Bench bench;
            fill(bench);
            bench.greet();
            bench.send(bench.welcome_of(journal_numbered(1, 0)));
            bench.acknowledge(normal, 3, 1, 2);
            bench.uplink->on_closed(bench.now);
            if (reboot) bench.restart();
            bench.greet();
            bench.send(bench.welcome_of(each.then));
            CHECK(bench.waiting() == each.waiting);
        }
    }
}

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
