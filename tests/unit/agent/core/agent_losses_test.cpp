// What an agent does when its spool drops blocks: it tells the sources, and the collector.
#include <catch2/generators/catch_generators.hpp>

#include "tests/unit/agent/core/lossy_bench.hpp"

using namespace longhaul;
using namespace longhaul::test;

namespace {

using Bench = LossyBench;
constexpr auto alarms = BlockClass::alarm;
constexpr auto normal = BlockClass::normal;

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
