// What the core tells a source, and what it makes of the times that a source gives.
#include "agent/port/source.hpp"

#include <catch2/catch_test_macros.hpp>
#include <optional>

#include "agent/core/agent.hpp"
#include "firmware-sim/sim_device_spool.hpp"
#include "firmware-sim/sim_link.hpp"
#include "tests/unit/agent/fixtures.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

// An agent with two sources, one of them slower and of another class.
class Bench {
 public:
    explicit Bench(std::uint64_t spool_bytes = UINT64_MAX)
        : device_spool{
              {5},
              spool_bytes,
              spool_bytes == UINT64_MAX ? sim::SimDeviceSpool::roomy : FlashGeometry{4096, 16, 1}} {
        LH_CHECK(crypto_init().ok());
        settings_.environment = "test";
        settings_.tenant = "acme";
        settings_.device = "probe-1";
        settings_.firmware = "test 1";
        settings_.sealing_key = public_key_of(known_key(9)).value();
        settings_.body_bytes_max = 512;
        memory_.resize(Agent::memory_bytes(settings_, sources_));
        agent.emplace(settings_, Ports{spool, link_, entropy_, identity_, clock_, sources_},
                      memory_);
    }
    void run_until(MonotonicMs until) {
        for (int polls = 0; polls < 10'000; ++polls) {
            const MonotonicMs next = agent->poll(now);
            if (next > now) now = std::min(next, until);
            if (next > until) return;
        }
        FAIL("the agent never rests");
    }
    std::vector<DecodedSection> first_block(BlockClass block_class) {
        room_.resize(4096);
        const auto block = spool.next(block_class, {1}, {}, room_);
        REQUIRE(block.ok());
        std::vector<std::byte> signed_epoch(signed_epoch_bytes_max);
        const auto bytes = spool.read_epoch({1}, signed_epoch);
        REQUIRE(bytes.ok());
        longhaul_EpochRecord record;
        REQUIRE(parse_epoch_record(parse_signed_epoch(bytes.value()).value().record, record).ok());
        const std::array schemas{&quick_schema.schema, &slow_schema.schema};
        return decode_block(unwrap_block_key(known_key(9), record).value(), block.value().sealed,
                            schemas, opened_);
    }

    OwnedSchema quick_schema{"quick", {field_of(FieldKind::integer, "a")}, 100};
    OwnedSchema slow_schema{"slow", {field_of(FieldKind::text, "a")}, 5000};
    ListSource quick{quick_schema.stream(BlockClass::live)};
    ListSource slow{slow_schema.stream()};
    sim::SimDeviceSpool device_spool;
    Spool& spool = *device_spool;
    std::optional<Agent> agent;
    MonotonicMs now{1000};

 private:
    std::array<Source*, 2> sources_{&quick, &slow};
    AgentSettings settings_;
    sim::SimLink link_;
    SetClock clock_;
    SeededEntropy entropy_;
    KeyIdentity identity_;
    std::vector<std::byte> memory_;
    std::vector<std::byte> room_;
    std::vector<std::byte> opened_;
};

Value text_of(std::string_view text) { return Value::of_text(as_bytes(text)); }

}  // namespace

TEST_CASE("source: it is told of its samples when their block is in the spool, and not before") {
    Bench bench;
    for (int i = 0; i < 3; ++i) bench.quick.put(i, {Value::of_integer(i)});
    for (int i = 0; i < 2; ++i) bench.slow.put(i, {text_of("x")});
    bench.run_until({1099});
    CHECK(bench.quick.samples_stored == 0);
    bench.run_until({1100});
    CHECK(bench.quick.samples_stored == 3);
    CHECK(bench.slow.samples_stored == 0);
    bench.run_until({6000});
    CHECK(bench.slow.samples_stored == 2);
    CHECK(bench.quick.samples_stored == 3);
}

TEST_CASE("source: a spool without room tells it nothing until there is room") {
    Bench bench{4096};
    const std::string text(400, 'x');
    std::uint32_t put = 0;
    while (!bench.agent->status().spool_full && put < 20) {
        bench.slow.put(put++, {text_of(text)});
        bench.run_until({put * 7000});
    }
    REQUIRE(put > 2);
    bench.run_until({put * 7000 + 13'000});
    CHECK(bench.agent->status().spool_full);
    CHECK(bench.slow.samples_stored == put - 1);

    const BlockSeq first = BlockSeq::of(BlockClass::normal, 1);
    const BlockSeq last = BlockSeq::of(BlockClass::normal, put - 1);
    REQUIRE(bench.spool.mark_durable({{1}, first, last}).ok());
    bench.run_until({put * 7000 + 15'000});
    CHECK(bench.slow.samples_stored == put);
}

TEST_CASE("source: it is told at once of a sample that is larger than any block") {
    Bench bench;
    const std::string text(600, 'x');
    bench.slow.put(0, {text_of("fits")});
    bench.slow.put(1, {text_of(text)});
    bench.slow.put(2, {text_of("fits")});
    bench.run_until({1001});
    CHECK(bench.slow.samples_refused == 1);
    CHECK(bench.quick.samples_refused == 0);
    bench.run_until({7000});
    CHECK(bench.slow.samples_stored == 2);
}

TEST_CASE("source: an agent that stops stores at once and tells of it") {
    Bench bench;
    bench.slow.put(0, {text_of("x")});
    bench.run_until({1001});
    bench.agent->stop(bench.now);
    bench.run_until(bench.now);
    CHECK(bench.slow.samples_stored == 1);
}

TEST_CASE("source: device time becomes ticks of the epoch, rounded down; source time stays") {
    Bench bench;
    bench.slow_schema.schema.time = TimeKind::device;
    bench.slow_schema.schema.tick_us = 1000;
    for (const std::int64_t time_us : {998'500, 1'000'000, 1'000'999, 3'500'000})
        bench.slow.put(time_us, {text_of("x")});
    bench.quick.put(-7, {Value::of_integer(0)});
    bench.run_until({7000});
    CHECK(bench.first_block(BlockClass::normal).at(0).times ==
          std::vector<std::int64_t>{-2, 0, 0, 2500});
    CHECK(bench.first_block(BlockClass::live).at(0).times == std::vector<std::int64_t>{-7});
}
