// What an agent does beside carrying samples: it gives anchors and keeps to its write budget.
#include "tests/unit/agent/core/lossy_bench.hpp"

using namespace longhaul;
using namespace longhaul::test;

namespace {

using Bench = LossyBench;
constexpr auto normal = BlockClass::normal;

}  // namespace

TEST_CASE("upkeep: an anchor whose block was dropped is told once more") {
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
    "upkeep: the first block of a session has an anchor, because it may arrive before others") {
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

TEST_CASE("upkeep: an anchor is told again after an hour") {
    Bench bench;
    bench.source.put(1, {Value::of_integer(1)}, {1000});
    bench.source.put(2, {Value::of_integer(2)}, {1'000'000});
    bench.source.put(3, {Value::of_integer(3)}, {4'000'000});
    bench.run_until({5'000'000});
    CHECK(bench.words(normal, 1) == "anchor");
    CHECK(bench.words(normal, 2).empty());
    CHECK(bench.words(normal, 3) == "anchor");
}

TEST_CASE("upkeep: a device without a clock has its anchor from the collector") {
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

TEST_CASE("upkeep: while more was written than the budget allows, a block waits until it is full") {
    Bench bench{512, 1, 2'400'000};  // 100 kB an hour
    bench.source.put(1, {Value::of_integer(1)});
    bench.run_until({7000});
    CHECK(bench.spool.tags.size() == 1);  // at its deadline of five seconds

    bench.spool.bytes_written += 300'000;  // two hours too much
    bench.source.put(2, {Value::of_integer(2)});
    bench.run_until({3'600'000});
    CHECK(bench.spool.tags.size() == 1);
    CHECK(bench.agent->wear(bench.now).overdrawn);
    SECTION("the budget allows it again") {
        bench.run_until({3 * 3'600'000});
        REQUIRE(bench.spool.tags.size() == 2);
        CHECK(bench.spool.tags[1].samples == 1);
        CHECK_FALSE(bench.agent->wear(bench.now).overdrawn);
    }
    SECTION("it becomes full") {
        for (int i = 0; i < 256; ++i) bench.source.put(i, {Value::of_integer(i)});
        bench.run_until(bench.now + 1);
        REQUIRE(bench.spool.tags.size() == 2);
        CHECK(bench.spool.tags[1].samples > 200);  // no room for more
        bench.run_until(bench.now + 60'000);
        CHECK(bench.spool.tags.size() == 2);  // the last samples wait
    }
    SECTION("the agent stops") {
        bench.agent->stop(bench.now);
        bench.run_until(bench.now);
        CHECK(bench.spool.tags.size() == 2);
        CHECK(bench.source.samples_stored == 2);
    }
}

TEST_CASE("upkeep: an alarm never waits for the write budget") {
    Bench bench{512, 1, 2'400'000, BlockClass::alarm};
    bench.spool.bytes_written += 300'000;
    bench.source.put(1, {Value::of_integer(1)});
    bench.run_until({2000});
    CHECK(bench.source.samples_stored == 1);
}
