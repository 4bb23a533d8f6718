#include "collector/session/session.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/collector/session/talk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

using Ranges = std::vector<std::array<std::uint32_t, 3>>;

Ranges ranges_of(const longhaul_Ack& ack) {
    Ranges ranges;
    for (pb_size_t i = 0; i < ack.ranges_count; ++i) {
        ranges.push_back({ack.ranges[i].epoch, BlockSeq{ack.ranges[i].first_seq}.number(),
                          BlockSeq{ack.ranges[i].last_seq}.number()});
    }
    return ranges;
}

}  // namespace

TEST_CASE("session: Welcome names the journal, the credit, and what is known already") {
    Talk talk;
    for (const std::uint32_t known : {2U, 3U, 5U})
        talk.known.add_epoch("acme", "bus-1", {7}, {known});
    talk.hear_hello(2, 6);
    const auto welcome = talk.said<longhaul_Welcome>(FrameType::welcome);
    CHECK(welcome.journal_uuid[0] == 42);
    CHECK(welcome.journal_resend == 3);
    CHECK(welcome.credit == 1000);
    CHECK(welcome.server_time_us == wall.value);
    CHECK(welcome.unknown_schemas == 1);
    REQUIRE(welcome.known_epochs_count == 2);
    CHECK(welcome.known_epochs[0].last == 3);
    CHECK(welcome.known_epochs[1].first == 5);

    Talk again;
    again.known.add_schema(0, "acme", schema_hash(schema()));
    again.hear_hello();
    CHECK(again.said<longhaul_Welcome>(FrameType::welcome).unknown_schemas == 0);
}

TEST_CASE("session: schema, epoch and block are handed on byte for byte and in order") {
    Talk talk;
    talk.hear_hello();
    const Stored sent_epoch = epoch();
    talk.hear(FrameType::schema, schema());
    talk.hear(FrameType::epoch, sent_epoch);
    talk.hear(FrameType::block, block(1));
    REQUIRE(talk.submitted.size() == 3);
    CHECK(talk.submitted[0] == std::pair{JournalKind::schema, schema()});
    CHECK(talk.submitted[1] == std::pair{JournalKind::epoch, sent_epoch});
    CHECK(talk.submitted[2] == std::pair{JournalKind::block, block(1)});
    CHECK(talk.session().counters().blocks == 1);
}

TEST_CASE("session: it does not matter how the bytes are cut") {
    Stored all;
    const auto add = [&all](const Stored& bytes) {
        all.insert(all.end(), bytes.begin(), bytes.end());
    };
    add(frame(FrameType::schema, schema()));
    add(frame(FrameType::epoch, epoch()));
    add(frame(FrameType::block, block(1)));
    add(frame(FrameType::block, block(2)));
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{3}, std::size_t{1000}, all.size()}) {
        CAPTURE(piece);
        Talk talk;
        talk.hear_hello();
        for (std::size_t at = 0; at < all.size(); at += piece) {
            talk.hear(Bytes{all}.subspan(at, std::min(piece, all.size() - at)));
        }
        CHECK(talk.submitted.size() == 4);
        CHECK_FALSE(talk.closed);
    }
}

TEST_CASE("session: a block is acknowledged when it is durable, not before") {
    Talk talk;
    talk.introduce();
    const std::uint64_t before = talk.submitted.size();
    talk.hear(FrameType::block, block(1));
    talk.hear(FrameType::block, block(2));
    CHECK(talk.count(FrameType::ack) == 0);
    talk.tell_durable(before);
    CHECK(talk.count(FrameType::ack) == 0);
    talk.tell_durable(before + 1);
    const auto ack = talk.said<longhaul_Ack>(FrameType::ack);
    CHECK(ranges_of(ack) == Ranges{{1, 1, 1}});
    CHECK(ack.journal_uuid[0] == 42);
    CHECK(ack.journal_resend == 3);
    talk.tell_durable(before + 1);
    CHECK(talk.count(FrameType::ack) == 1);
    talk.tell_durable(before + 2);
    CHECK(ranges_of(talk.said<longhaul_Ack>(FrameType::ack, 1)) == Ranges{{1, 2, 2}});
    CHECK(talk.session().counters().acked_blocks == 2);
}

TEST_CASE("session: what becomes durable together is acknowledged as few ranges") {
    Talk talk{[](SessionSettings& settings) { settings.credit_bytes = 100'000; }};
    talk.introduce();
    const std::uint64_t before = talk.submitted.size();
    for (const std::uint32_t number : {1U, 2U, 3U, 5U, 6U, 9U, 8U}) {
        talk.hear(FrameType::block, block(number));
    }
    talk.tell_durable(before + 7);
    CHECK(ranges_of(talk.said<longhaul_Ack>(FrameType::ack)) ==
          Ranges{{1, 1, 3}, {1, 5, 6}, {1, 9, 9}, {1, 8, 8}});
}

TEST_CASE("session: more ranges than an Ack can hold become several") {
    Talk talk{[](SessionSettings& settings) { settings.credit_bytes = 1'000'000; }};
    talk.introduce();
    const std::uint64_t before = talk.submitted.size();
    const std::size_t blocks = limits::ack_ranges_max + 10;
    for (std::uint32_t i = 0; i < blocks; ++i) talk.hear(FrameType::block, block(1 + 2 * i));
    talk.tell_durable(before + blocks);
    REQUIRE(talk.count(FrameType::ack) == 2);
    CHECK(talk.said<longhaul_Ack>(FrameType::ack, 0).ranges_count == limits::ack_ranges_max);
    CHECK(talk.said<longhaul_Ack>(FrameType::ack, 1).ranges_count == 10);
}

TEST_CASE("session: credit is raised by what has become durable, and may not be exceeded") {
    Talk talk;  // 1000 bytes
    talk.introduce();
    const std::uint64_t before = talk.submitted.size();
    const std::size_t size = block(1).size();
    std::uint32_t sent = 0;
    for (std::size_t bytes = 0; bytes + size <= 1000; bytes += size) {
        talk.hear(FrameType::block, block(++sent));
    }
    CHECK_FALSE(talk.closed);
    CHECK(talk.count(FrameType::window) == 0);
    talk.tell_durable(before + sent);
    CHECK(talk.said<longhaul_Window>(FrameType::window).credit == 1000 + sent * size);
    const std::size_t more = (1000 + sent * size) / size;
    while (sent < more) talk.hear(FrameType::block, block(++sent));
    CHECK_FALSE(talk.closed);
    talk.hear(FrameType::block, block(++sent));
    CHECK(talk.closed);
    CHECK(talk.bye() == "more bytes of blocks than the credit allows");
    CHECK(talk.submitted.size() == before + more);
}

TEST_CASE("session: what is durable is known to the next session, what is not is not") {
    Talk talk;
    talk.hear_hello();
    talk.hear(FrameType::schema, schema());
    talk.hear(FrameType::epoch, epoch());
    CHECK_FALSE(talk.known.has_schema(0, "acme", schema_hash(schema())));
    talk.tell_durable(1);
    CHECK(talk.known.has_schema(0, "acme", schema_hash(schema())));
    CHECK_FALSE(talk.known.has_epoch("acme", "bus-1", {7}, {1}));
    talk.tell_durable(2);
    CHECK(talk.known.has_epoch("acme", "bus-1", {7}, {1}));
}

TEST_CASE("session: what is known already is taken once more and not kept twice") {
    Talk talk;
    talk.introduce();
    const std::size_t before = talk.submitted.size();
    talk.hear(FrameType::schema, schema());
    talk.hear(FrameType::epoch, epoch());
    CHECK_FALSE(talk.closed);
    CHECK(talk.submitted.size() == before);
    talk.hear(FrameType::block, block(1));
    CHECK(talk.submitted.size() == before + 1);
}

TEST_CASE("session: a repeated block is handed on and acknowledged again, the writer drops it") {
    Talk talk;
    talk.introduce();
    const std::uint64_t before = talk.submitted.size();
    talk.hear(FrameType::block, block(1));
    talk.hear(FrameType::block, block(1));
    talk.tell_durable(before + 2);
    CHECK(ranges_of(talk.said<longhaul_Ack>(FrameType::ack)) == Ranges{{1, 1, 1}, {1, 1, 1}});
}

TEST_CASE("session: a device that says nothing is let go, with a deadline for each silence") {
    Talk silent;
    CHECK(silent.session().deadline() == MonotonicMs{15'000});
    silent.tick({14'999});
    CHECK_FALSE(silent.closed);
    silent.tick({15'000});
    CHECK(silent.closed);
    CHECK(silent.bye() == "no Hello came in time");

    Talk idle;
    idle.introduce();
    CHECK(idle.session().deadline() == MonotonicMs{900'001});
    idle.tick({900'000});
    CHECK_FALSE(idle.closed);
    idle.hear(frame(FrameType::block, block(1)), {900'000});
    idle.tick({900'001});
    CHECK_FALSE(idle.closed);
    idle.tick({1'800'000});
    CHECK(idle.closed);
    const auto bye = idle.said<longhaul_Bye>(FrameType::collector_bye);
    CHECK(bye.reason == longhaul_ByeReason_BYE_REASON_IDLE);
    CHECK_FALSE(idle.session().broken_by_device());
}

TEST_CASE("session: a device that has nothing to send after its Hello may stay") {
    Talk talk;
    talk.hear_hello();
    CHECK(talk.session().deadline() == MonotonicMs{900'001});
    talk.tick({15'000});
    CHECK_FALSE(talk.closed);
}

TEST_CASE("session: half a Hello does not prolong the wait for it") {
    Talk talk;
    talk.hear(Stored{std::byte{0x01}}, {14'000});
    CHECK(talk.session().deadline() == MonotonicMs{15'000});
}

TEST_CASE("session: when the collector goes down, what was accepted is still acknowledged") {
    Talk talk;
    talk.introduce();
    const std::uint64_t before = talk.submitted.size();
    talk.hear(FrameType::block, block(1));
    talk.finish();
    CHECK_FALSE(talk.closed);
    talk.hear(FrameType::block, block(2));  // came too late: not read any more
    CHECK(talk.submitted.size() == before + 1);
    talk.tell_durable(before + 1);
    CHECK(talk.closed);
    CHECK(ranges_of(talk.said<longhaul_Ack>(FrameType::ack)) == Ranges{{1, 1, 1}});
    const auto bye = talk.said<longhaul_Bye>(FrameType::collector_bye);
    CHECK(bye.reason == longhaul_ByeReason_BYE_REASON_SHUTDOWN);
    CHECK(bye.retry_after_ms == 1000);
}

TEST_CASE("session: with nothing under way it goes down at once") {
    Talk before_hello;
    before_hello.finish();
    CHECK(before_hello.closed);
    Talk introduced;
    introduced.introduce();
    introduced.finish();
    CHECK(introduced.closed);
    CHECK(introduced.count(FrameType::collector_bye) == 1);
}

TEST_CASE("session: a device that says goodbye is let go without an answer") {
    Talk talk;
    talk.introduce();
    longhaul_Bye bye = longhaul_Bye_init_zero;
    Stored bytes(200);
    ByteWriter out{bytes};
    REQUIRE(write_bye(FrameType::bye, bye, out).ok());
    talk.hear(out.written());
    CHECK(talk.closed);
    CHECK(talk.count(FrameType::collector_bye) == 0);
}
