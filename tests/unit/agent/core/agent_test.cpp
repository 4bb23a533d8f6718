#include "agent/core/agent.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <optional>

#include "firmware-sim/sim_device_spool.hpp"
#include "firmware-sim/sim_link.hpp"
#include "tests/unit/agent/fixtures.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

// An agent whose collector is never there: what it does shows in the spool.
class Bench {
 public:
    explicit Bench(std::uint64_t spool_bytes = UINT64_MAX, std::size_t blocks_per_append = 1)
        : device_spool{
              {5},
              spool_bytes,
              spool_bytes == UINT64_MAX ? sim::SimDeviceSpool::roomy : FlashGeometry{4096, 16, 1}} {
        LH_CHECK(crypto_init().ok());
        settings.environment = "test";
        settings.tenant = "acme";
        settings.device = "probe-1";
        settings.firmware = "test 1";
        settings.sealing_key = public_key_of(sealing_key_).value();
        settings.body_bytes_max = 512;
        settings.blocks_per_append = blocks_per_append;
        memory_.resize(Agent::memory_bytes(settings, sources_));
        agent.emplace(settings, Ports{spool, link, entropy_, identity_, clock, sources_}, memory_);
    }

    // Polls as the shell does: as often as it is asked to until `until`.
    void run_until(MonotonicMs until) {
        for (int polls = 0; polls < 10'000; ++polls) {
            const MonotonicMs next = agent->poll(now);
            if (next > now) now = std::min(next, until);
            if (next > until) return;
        }
        FAIL("the agent never rests");
    }
    void put(std::int64_t count, MonotonicMs due = {}) {
        for (std::int64_t i = 0; i < count; ++i)
            source.put(1000 * i, {Value::of_integer(i * i)}, due);
    }
    std::vector<SpoolBlock> blocks() {
        std::vector<SpoolBlock> found;
        BlockSeq after;
        for (;;) {
            std::vector<std::byte>& room = rooms_.emplace_back(4096);
            const auto block = spool.next(BlockClass::normal, {1}, after, room);
            if (!block.ok()) return found;
            found.push_back(block.value());
            after = block.value().tag.name.seq;
        }
    }
    longhaul_EpochRecord record() {
        std::vector<std::byte> room(signed_epoch_bytes_max);
        const auto bytes = spool.read_epoch({1}, room);
        REQUIRE(bytes.ok());
        const auto epoch = parse_signed_epoch(bytes.value());
        REQUIRE(epoch.ok());
        CHECK(verify(public_key_of(known_key(7)).value(), epoch.value().record,
                     epoch.value().signature)
                  .ok());
        longhaul_EpochRecord record;
        REQUIRE(parse_epoch_record(epoch.value().record, record).ok());
        return record;
    }
    BlockKey key() { return unwrap_block_key(sealing_key_, record()).value(); }
    std::vector<longhaul_SystemEntry> system_entries(const SpoolBlock& block) {
        std::vector<longhaul_SystemEntry> entries;
        const std::array schemas{&schema.schema};
        decode_block(key(), block.sealed, schemas, rooms_.emplace_back(), &entries);
        return entries;
    }

    OwnedSchema schema{"probe", {field_of(FieldKind::integer, "a")}, 5000};
    ListSource source{schema.stream()};
    sim::SimDeviceSpool device_spool;
    Spool& spool = *device_spool;
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
    std::deque<std::vector<std::byte>> rooms_;
};

}  // namespace

TEST_CASE("agent: without a sample nothing is written to the spool, not even an epoch") {
    Bench bench;
    bench.run_until({600'000});
    std::vector<std::byte> room(4096);
    CHECK_FALSE(bench.spool.read_epoch({1}, room).ok());
    CHECK(bench.spool.begin_epoch().value() == Epoch{1});
}

TEST_CASE("agent: at the deadline the samples are in the spool, with the record that opens them") {
    Bench bench;
    bench.put(10, {2000});
    bench.run_until({6999});
    CHECK(bench.blocks().empty());
    bench.run_until({7000});
    const auto blocks = bench.blocks();
    REQUIRE(blocks.size() == 1);
    CHECK(blocks[0].tag.samples == 10);
    CHECK(blocks[0].tag.first_us == 1'000'000);  // the epoch began at 1000 ms

    const longhaul_EpochRecord record = bench.record();
    CHECK(std::string{record.device} == "probe-1");
    CHECK(record.incarnation == 5);
    REQUIRE(record.streams_count == 1);
    CHECK(record.streams[0].index == 1);
    CHECK(record.clock_state == longhaul_ClockState_CLOCK_STATE_SYNCHRONIZED);
    CHECK(record.previous_epoch == 0);

    std::vector<std::byte> room;
    const std::array schemas{&bench.schema.schema};
    const auto sections = decode_block(bench.key(), blocks[0].sealed, schemas, room);
    REQUIRE(sections.size() == 1);
    CHECK(sections[0].times.back() == 9000);
    CHECK(sections[0].columns[0].back().integer == 81);
}

TEST_CASE("agent: blocks are numbered from 1 without holes") {
    Bench bench;
    bench.put(3000);
    bench.source.ended = true;
    bench.run_until({2000});
    const auto blocks = bench.blocks();
    REQUIRE(blocks.size() > 5);
    std::uint64_t samples = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        CHECK(blocks[i].tag.name.seq.number() == i + 1);
        samples += blocks[i].tag.samples;
    }
    CHECK(samples == 3000);
    CHECK(bench.agent->status().samples == 3000);
    CHECK(bench.agent->status().blocks == blocks.size());
}

TEST_CASE(
    "agent: the first block ties the ticks to the date, and again once the clock is synchronized") {
    Bench bench;
    bench.clock.reading = {true, false, {1'650'000'000'000'000}, 900};
    bench.put(1, {2000});
    bench.put(1, {10'000});
    bench.put(1, {20'000});
    bench.put(1, {30'000});
    bench.run_until({17'000});
    bench.clock.reading = {true, true, {1'700'000'000'000'000}, 40};
    bench.run_until({60'000});
    const auto blocks = bench.blocks();
    REQUIRE(blocks.size() == 4);
    const auto first = bench.system_entries(blocks[0]);
    REQUIRE(first.size() == 1);
    CHECK(first[0].entry.anchor.elapsed_us == 6'000'000);
    CHECK(first[0].entry.anchor.wall_us == 1'650'000'000'000'000);
    CHECK(first[0].entry.anchor.error_us == 1900);
    CHECK(bench.system_entries(blocks[1]).empty());
    const auto third = bench.system_entries(blocks[2]);
    REQUIRE(third.size() == 1);
    CHECK(third[0].entry.anchor.wall_us == 1'700'000'000'000'000);
    CHECK(bench.system_entries(blocks[3]).empty());
}

TEST_CASE("agent: without a date there is no anchor") {
    Bench bench;
    bench.clock.reading = {};
    bench.put(1);
    bench.run_until({20'000});
    const auto blocks = bench.blocks();
    REQUIRE(blocks.size() == 1);
    CHECK(bench.system_entries(blocks[0]).empty());
    CHECK(bench.record().clock_state == longhaul_ClockState_CLOCK_STATE_NONE);
}

TEST_CASE("agent: a full spool stops the sources, and room lets them go on without a loss") {
    const auto blocks_per_append = GENERATE(std::size_t{1}, std::size_t{5});
    CAPTURE(blocks_per_append);
    Bench bench{4096, blocks_per_append};
    bench.put(5000);
    bench.source.ended = true;
    bench.run_until({20'000});
    CHECK(bench.agent->status().spool_full);
    const std::uint64_t staged = bench.agent->status().samples;
    CHECK(staged < 5000);
    bench.run_until({60'000});
    CHECK(bench.agent->status().samples == staged);

    std::uint64_t samples = 0;
    for (int round = 0; round < 100 && !bench.agent->drained(); ++round) {
        for (const SpoolBlock& block : bench.blocks()) {
            samples += block.tag.samples;
            REQUIRE(bench.spool.mark_durable({{1}, block.tag.name.seq, block.tag.name.seq}).ok());
        }
        bench.run_until(bench.now + 2000);
    }
    CHECK(bench.agent->drained());
    CHECK_FALSE(bench.agent->status().spool_full);
    CHECK(bench.agent->status().samples == 5000);
    CHECK(samples == 5000);
    CHECK(bench.source.samples_stored == 5000);
}

TEST_CASE("agent: stopping stores what is staged and notes the clean end") {
    Bench bench;
    bench.put(10);
    bench.run_until({1500});
    CHECK(bench.blocks().empty());
    bench.agent->stop(bench.now);
    CHECK_FALSE(bench.agent->stopped());
    bench.run_until(bench.now);
    CHECK(bench.agent->stopped());
    REQUIRE(bench.blocks().size() == 1);
    std::vector<std::byte> room(Spool::state_bytes_max);
    const auto clean = bench.spool.read_state(state_clean_epochs, room);
    REQUIRE(clean.ok());
    CHECK(ByteReader{clean.value()}.u64() == (std::uint64_t{1} << 32 | 1));  // from 1 to 1
}

TEST_CASE("agent: an end with samples left in a source is not noted as clean") {
    Bench bench;
    bench.put(10);
    bench.run_until({1500});
    bench.agent->stop(bench.now, false);
    bench.run_until(bench.now);
    CHECK(bench.agent->stopped());
    CHECK(bench.blocks().size() == 1);
    std::vector<std::byte> room(Spool::state_bytes_max);
    CHECK_FALSE(bench.spool.read_state(state_clean_epochs, room).ok());
}

TEST_CASE("agent: a sample larger than any block is counted and passed over") {
    Bench bench;
    bench.put(1);
    const OwnedSchema notes{"note", {field_of(FieldKind::text, "a")}};
    ListSource source{notes.stream()};
    const std::string text(600, 'x');
    source.put(0, {Value::of_text(as_bytes(text))});
    source.put(1, {Value::of_text(as_bytes(text).first(10))});
    source.ended = true;
    std::array<Source*, 1> sources{&source};
    SeededEntropy entropy;
    KeyIdentity identity;
    std::vector<std::byte> memory(Agent::memory_bytes(bench.settings, sources));
    Agent agent{
        bench.settings, {bench.spool, bench.link, entropy, identity, bench.clock, sources}, memory};
    for (int i = 0; i < 10; ++i) agent.poll({1000});
    CHECK(agent.status().samples_refused == 1);
    CHECK(agent.status().samples == 1);
    CHECK(bench.blocks().size() == 1);
}

TEST_CASE("agent: a sample that was taken from its source is stored, whenever the agent stops") {
    const auto blocks_per_append = GENERATE(std::size_t{1}, std::size_t{5});
    for (int polls = 1; polls < 12; ++polls) {
        CAPTURE(polls, blocks_per_append);
        Bench bench{UINT64_MAX, blocks_per_append};
        bench.put(3000);
        for (int i = 0; i < polls; ++i) bench.agent->poll(bench.now);
        bench.agent->stop(bench.now);
        bench.run_until(bench.now);
        REQUIRE(bench.agent->stopped());
        std::uint64_t stored = 0;
        for (const SpoolBlock& block : bench.blocks()) stored += block.tag.samples;
        CHECK(stored == bench.agent->status().samples);
        CHECK(stored + bench.source.left() == 3000);
    }
}

TEST_CASE("agent: a sample that fills a block alone is not refused because a date is to be told") {
    Bench bench;
    const OwnedSchema notes{"note", {field_of(FieldKind::text, "a")}};
    ListSource source{notes.stream()};
    const std::string text(470, 'x');
    for (int i = 0; i < 3; ++i) source.put(i, {Value::of_text(as_bytes(text))});
    source.ended = true;
    std::array<Source*, 1> sources{&source};
    SeededEntropy entropy;
    KeyIdentity identity;
    std::vector<std::byte> memory(Agent::memory_bytes(bench.settings, sources));
    Agent agent{
        bench.settings, {bench.spool, bench.link, entropy, identity, bench.clock, sources}, memory};
    for (int i = 0; i < 10; ++i) agent.poll({1000});
    CHECK(agent.status().samples_refused == 0);
    CHECK(agent.status().samples == 3);
}

TEST_CASE("agent: blocks of a time when they could be larger are sent, too") {
    Bench bench;
    const SchemaHash hash = schema_hash(bench.schema.encoded());
    REQUIRE(bench.spool.begin_epoch().ok());
    REQUIRE(bench.spool.store_schema(hash, bench.schema.encoded()).ok());
    REQUIRE(bench.spool.store_epoch({1}, as_bytes("record"), std::span{&hash, 1}).ok());
    const std::vector<std::byte> large(block_bytes_max);
    const SpoolTag tag{{{5}, {1}, BlockSeq::of(BlockClass::normal, 1)}, 1, 0, 0};
    REQUIRE(bench.spool.append(std::array{SpoolBlock{tag, large}}, nothing_sent).ok());

    bench.link.listening = true;
    bench.run_until(bench.now + 2000);
    longhaul_Welcome welcome = longhaul_Welcome_init_zero;
    welcome.credit = 1 << 20;
    std::array<std::byte, 512> room;
    ByteWriter out{room};
    REQUIRE(write_message(welcome, out).ok());
    bench.link.to_device.assign(out.written().begin(), out.written().end());
    bench.run_until(bench.now + 1000);
    CHECK(bench.agent->uplink_status().sent_blocks == 1);
    CHECK(bench.link.to_collector.size() > large.size());
}
