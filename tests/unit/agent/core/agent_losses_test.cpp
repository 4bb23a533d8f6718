// What an agent does when its spool drops blocks: it tells the sources, and the collector.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <optional>

#include "agent/core/agent.hpp"
#include "firmware-sim/sim_link.hpp"
#include "firmware-sim/sim_spool.hpp"
#include "tests/unit/agent/core/lossy_spool.hpp"
#include "tests/unit/agent/fixtures.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

constexpr auto alarms = BlockClass::alarm;
constexpr auto normal = BlockClass::normal;

// An agent over a spool that drops, and the test in the place of the collector.
class Bench {
 public:
    explicit Bench(std::size_t body_bytes_max = 512, std::size_t blocks_per_append = 1) {
        LH_CHECK(crypto_init().ok());
        settings.environment = "test";
        settings.tenant = "acme";
        settings.device = "probe-1";
        settings.firmware = "test 1";
        settings.sealing_key = public_key_of(sealing_key_).value();
        settings.body_bytes_max = body_bytes_max;
        settings.blocks_per_append = blocks_per_append;
        memory_.resize(Agent::memory_bytes(settings, sources_));
        agent.emplace(settings, Ports{spool, link, entropy_, identity_, clock, sources_}, memory_);
    }

    void run_until(MonotonicMs until) {
        for (int polls = 0; polls < 10'000; ++polls) {
            const MonotonicMs next = agent->poll(now);
            if (next > now) now = std::min(next, until);
            if (next > until) return;
        }
        FAIL("the agent never rests");
    }
    template <class Message>
    void deliver(const Message& message) {
        std::array<std::byte, 512> room;
        ByteWriter out{room};
        REQUIRE(write_message(message, out).ok());
        link.to_device.insert(link.to_device.end(), out.written().begin(), out.written().end());
        run_until(now);
    }
    void connect(std::int64_t server_time_us = 0) {
        link.listening = true;
        run_until(std::max(now + 2000, agent->next_attempt()));
        REQUIRE(link.is_open());
        longhaul_Welcome welcome = longhaul_Welcome_init_zero;
        welcome.credit = 1 << 20;
        welcome.server_time_us = server_time_us;
        deliver(welcome);
        REQUIRE(agent->uplink_status().connected);
    }
    void acknowledge(BlockClass block_class, std::uint32_t number) {
        longhaul_Ack ack = longhaul_Ack_init_zero;
        const std::uint32_t seq = BlockSeq::of(block_class, number).value;
        ack.ranges[0] = {1, seq, seq};
        ack.ranges_count = 1;
        deliver(ack);
    }
    void add_losses(std::uint32_t count) {
        for (std::uint32_t i = 0; i < count; ++i)
            spool.ledger().add({normal,
                                LossReason::full,
                                {{1}, 10 * i + 1},
                                {{1}, 10 * i + 5},
                                100,
                                1'000'000 * i,
                                1'000'000 * i + 1});
    }
    // What the block says about losses: "class 2 1:1-1:5 100 samples"; an anchor is "anchor".
    std::string words(BlockClass block_class, std::uint32_t number) {
        std::vector<std::byte> block_room(20'000);
        const auto block =
            inner_.next(block_class, {1}, BlockSeq::of(block_class, number - 1), block_room);
        REQUIRE(block.ok());
        std::vector<std::byte> record_room(signed_epoch_bytes_max);
        const auto bytes = inner_.read_epoch({1}, record_room);
        longhaul_EpochRecord record;
        REQUIRE(parse_epoch_record(parse_signed_epoch(bytes.value()).value().record, record).ok());
        std::vector<longhaul_SystemEntry> entries;
        std::vector<std::byte> room;
        const std::array schemas{&schema.schema};
        decode_block(unwrap_block_key(sealing_key_, record).value(), block.value().sealed, schemas,
                     room, &entries);
        std::string text;
        for (const longhaul_SystemEntry& entry : entries) {
            if (!text.empty()) text += ", ";
            if (entry.which_entry == longhaul_SystemEntry_anchor_tag) {
                text += entry.entry.anchor.source == longhaul_AnchorSource_ANCHOR_SOURCE_COLLECTOR
                            ? "anchor of the collector"
                            : "anchor";
                continue;
            }
            const longhaul_Loss& loss = entry.entry.loss;
            text += std::to_string(loss.epoch) + ":" +
                    std::to_string(BlockSeq{loss.first_seq}.number()) + " to " +
                    (loss.last_epoch == 0 ? "" : std::to_string(loss.last_epoch) + ":") +
                    std::to_string(BlockSeq{loss.last_seq}.number()) + " of " +
                    std::to_string(loss.samples);
        }
        return text;
    }

    OwnedSchema schema{"probe", {field_of(FieldKind::integer, "a")}, 5000};
    ListSource source{schema.stream()};
    sim::SimSpool inner_{{5}};
    LossySpool spool{inner_};
    sim::SimLink link;
    SetClock clock;
    AgentSettings settings;
    std::optional<Agent> agent;
    MonotonicMs now{1000};

 private:
    const PrivateKey sealing_key_ = known_key(9);
    std::array<Source*, 1> sources_{&source};
    SeededEntropy entropy_;
    KeyIdentity identity_;
    std::vector<std::byte> memory_;
};

}  // namespace

TEST_CASE("losses: with drop_newest the source is told which samples were not stored") {
    const auto blocks_per_append = GENERATE(std::size_t{1}, std::size_t{5});
    CAPTURE(blocks_per_append);
    Bench bench{512, blocks_per_append};
    bench.spool.settings().classes[2].when_full = WhenFull::drop_newest;
    for (int i = 0; i < 10; ++i) bench.source.put(i, {Value::of_integer(i)});
    bench.run_until({7000});
    CHECK(bench.source.samples_stored == 10);
    bench.spool.full = true;
    for (int i = 0; i < 2000; ++i) bench.source.put(i, {Value::of_integer(i * i)});
    bench.run_until({20'000});
    CHECK(bench.source.samples_stored == 10);
    CHECK(bench.source.samples_lost == 2000);
    CHECK(bench.agent->status().samples_lost == 2000);
    CHECK(bench.agent->status().samples == 2010);
    CHECK_FALSE(bench.agent->status().spool_full);
    REQUIRE(bench.spool.ledger().entries().size() == 1);
    CHECK(bench.spool.ledger().entries()[0].samples == 2000);
    CHECK(bench.spool.ledger().entries()[0].first.number == 2);

    bench.spool.full = false;
    bench.source.put(1, {Value::of_integer(1)});
    bench.run_until({40'000});
    CHECK(bench.source.samples_stored == 11);
    const std::uint32_t next = bench.spool.ledger().entries()[0].last.number + 1;
    CHECK(bench.spool.tags.back().name.seq.number() == next);  // no number comes twice
}

TEST_CASE("losses: with stop a full spool stops the sources, and nobody loses anything") {
    Bench bench;
    bench.spool.full = true;
    for (int i = 0; i < 2000; ++i) bench.source.put(i, {Value::of_integer(i * i)});
    bench.run_until({20'000});
    CHECK(bench.agent->status().spool_full);
    CHECK(bench.source.left() > 1000);
    bench.spool.full = false;
    bench.run_until({40'000});
    CHECK(bench.source.samples_stored == 2000);
    CHECK(bench.source.samples_lost == 0);
    CHECK(bench.spool.ledger().empty());
}

TEST_CASE("losses: an anchor whose block was dropped is told once more") {
    Bench bench;
    bench.spool.settings().classes[2].when_full = WhenFull::drop_newest;
    bench.spool.full = true;
    bench.source.put(1, {Value::of_integer(1)});
    bench.run_until({20'000});
    bench.spool.full = false;
    bench.source.put(2, {Value::of_integer(2)});
    bench.run_until({40'000});
    CHECK(bench.words(normal, 2) == "anchor");
}

TEST_CASE(
    "losses: the first block of a session has an anchor, because it may arrive before others") {
    Bench bench;
    bench.source.put(1, {Value::of_integer(1)}, {1000});
    bench.run_until({10'000});
    bench.connect();
    for (int i = 2; i < 4; ++i) {
        bench.source.put(i, {Value::of_integer(i)});
        bench.run_until(bench.now + 6000);
    }
    CHECK(bench.words(normal, 1) == "anchor");
    CHECK(bench.words(normal, 2) == "anchor");
    CHECK(bench.words(normal, 3).empty());
}

TEST_CASE("losses: an anchor is told again after an hour") {
    Bench bench;
    bench.source.put(1, {Value::of_integer(1)}, {1000});
    bench.source.put(2, {Value::of_integer(2)}, {1'000'000});
    bench.source.put(3, {Value::of_integer(3)}, {4'000'000});
    bench.run_until({5'000'000});
    CHECK(bench.words(normal, 1) == "anchor");
    CHECK(bench.words(normal, 2).empty());
    CHECK(bench.words(normal, 3) == "anchor");
}

TEST_CASE("losses: a device without a clock has its anchor from the collector") {
    Bench bench;
    bench.clock.reading = {};
    bench.source.put(1, {Value::of_integer(1)});
    bench.run_until({10'000});
    CHECK(bench.words(normal, 1).empty());
    bench.connect(1'795'262'400'000'000);
    bench.source.put(2, {Value::of_integer(2)});
    bench.run_until(bench.now + 10'000);
    CHECK(bench.words(normal, 2) == "anchor of the collector");
    CHECK(bench.agent->time().floor().value_or(WallUs{}).value > 1'795'262'400'000'000);
}

TEST_CASE("losses: in a session they are told at once, in a block that may hold nothing else") {
    Bench bench;
    bench.add_losses(2);
    bench.run_until({100'000});
    CHECK(bench.spool.tags.empty());  // nobody is there to be told
    bench.connect();
    REQUIRE(bench.spool.tags.size() == 1);
    const SpoolTag& carrier = bench.spool.tags[0];
    CHECK(carrier.name.seq == BlockSeq::of(alarms, 1));
    CHECK(carrier.samples == 0);
    CHECK(carrier.losses == 2);
    CHECK(carrier.first_us == (bench.now - MonotonicMs{1000}) * 1000);
    CHECK(bench.words(alarms, 1) == "anchor, 1:1 to 5 of 100, 1:11 to 15 of 100");
    CHECK(bench.agent->uplink_status().sent_blocks == 1);
    CHECK_FALSE(bench.agent->drained());

    // One at a time: what is lost meanwhile waits for the acknowledgement.
    bench.spool.ledger().add({normal, LossReason::corrupt, {{1}, 90}, {{1}, 90}, 7, 0, 0});
    bench.run_until(bench.now + 30'000);
    CHECK(bench.spool.tags.size() == 1);
    bench.acknowledge(alarms, 1);
    REQUIRE(bench.spool.tags.size() == 2);
    CHECK(bench.words(alarms, 2) == "anchor, 1:90 to 90 of 7");
    bench.acknowledge(alarms, 2);
    CHECK(bench.spool.ledger().empty());
    bench.run_until(bench.now + 30'000);
    CHECK(bench.spool.tags.size() == 2);
    bench.source.ended = true;
    CHECK(bench.agent->drained());
}

TEST_CASE("losses: a small block tells as many as fit, the next one the rest") {
    Bench bench{body_bytes_min};
    bench.add_losses(20);
    bench.connect();
    std::size_t told = 0;
    for (std::uint32_t number = 1; !bench.spool.ledger().empty(); ++number) {
        REQUIRE(number < 10);
        REQUIRE(bench.spool.tags.size() == number);
        const std::size_t losses = bench.spool.tags.back().losses;
        CHECK(losses >= std::min<std::size_t>(3, bench.spool.ledger().entries().size()));
        CHECK(losses <= LossLedger::to_tell_max);
        told += losses;
        bench.acknowledge(alarms, number);
    }
    CHECK(told == 20);
}

TEST_CASE("losses: a loss over epochs and one of a spool that could not be read are told as such") {
    Bench bench;
    bench.spool.ledger().add({normal, LossReason::full, {{1}, 3}, {{4}, 2}, 70, 5, 6});
    bench.spool.ledger().add({alarms, LossReason::unreadable, {}, {}, 0, 0, 0});
    bench.connect();
    CHECK(bench.words(alarms, 1) == "anchor, 1:3 to 4:2 of 70, 0:0 to 0 of 0");
}

TEST_CASE("losses: a carrier that is not stored at once tells of none, and they are told again") {
    Bench bench;
    bench.add_losses(1);
    bench.spool.full = true;
    SECTION("its class stops") {
        bench.connect();
        bench.run_until(bench.now + 5000);
        CHECK(bench.spool.tags.empty());
        CHECK(bench.agent->status().spool_full);
        bench.add_losses(1);
        bench.spool.full = false;
        bench.run_until(bench.now + 30'000);
        REQUIRE(bench.spool.tags.size() == 2);
        CHECK(bench.spool.tags[0].losses == 0);
        CHECK(bench.spool.tags[1].losses == bench.spool.ledger().told());
    }
    SECTION("its class drops what is new") {
        bench.spool.settings().classes[0].when_full = WhenFull::drop_newest;
        bench.connect();
        bench.run_until(bench.now + 60'000);
        CHECK(bench.spool.ledger().told() == 0);
        REQUIRE(bench.spool.ledger().entries().size() == 2);
        CHECK(bench.spool.ledger().entries()[1].block_class == alarms);
        CHECK(bench.spool.ledger().entries()[1].last.number <= 8);  // it does not try all the time
        bench.spool.full = false;
        bench.run_until(bench.now + 30'000);
        REQUIRE(bench.spool.tags.size() == 1);
        CHECK(bench.spool.tags[0].losses == 2);
    }
}
