// That after an adoption nothing acknowledged is dropped without a word: what is in quarantine,
// what has gone with age, what another device or table stands for.
#include <catch2/catch_test_macros.hpp>

#include "collector/lake/retention.hpp"
#include "common/base/hex.hpp"
#include "tests/support/model.hpp"
#include "tests/unit/tools/adopt_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

std::string seq_of(std::uint32_t number) {
    return std::to_string(BlockSeq::of(BlockClass::normal, number).value);
}

// Everything in it is too old.
void expire_all(AdoptBench& bench, const std::string& folder) {
    LocalStore lake{bench.disk};
    DeltaTable table{lake, folder};
    REQUIRE(table.refresh().ok());
    const auto date =
        partition_to_expire(folder, table.state(), 1, {adopted_us + 30 * 86'400'000'000});
    REQUIRE(date);
    REQUIRE(expire(lake, table, *date, {adopted_us}).ok());
    REQUIRE(bench.rows(folder, {"seq"}).empty());
}

}  // namespace

TEST_CASE("adopt: another content of a name that is in quarantine is kept, too") {
    AdoptBench bench;
    bench.begin();
    bench.send(1);
    // Set back to an older image before each boot, so that each draws another key.
    const auto boot = [&](const char* random, std::uint32_t number) {
        bench.maker = EpochMaker{"acme", "bus-1", 7, 1, sealing_key(), random};
        bench.maker.stream(1, "thing", *bench.thing);
        bench.epoch(bench.maker);
        bench.block(bench.maker, bench.sealed(number), adopted_us);
    };
    boot("second", 2);
    REQUIRE(bench.drain().empty());
    bench.lose_journal();
    REQUIRE(bench.adopt().ok());
    REQUIRE(bench.start());
    bench.schema(*bench.thing);
    boot("third", 2);
    REQUIRE(bench.drain().empty());
    const std::string fork = "|fork: a second record of this epoch";
    CHECK(bench.reasons() ==
          Rows{seq_of(2) + "|no epoch record", seq_of(2) + "|the block does not open", fork, fork});
    CHECK(bench.writer->counters().duplicates == 0);
}

TEST_CASE("adopt: a block of the last barrier that does not open is still missing") {
    AdoptBench bench;
    bench.lose_after({1, 2});
    bench.meet();
    auto damaged = bench.sealed(2);
    damaged.back() ^= std::byte{1};
    bench.block(bench.maker, damaged, adopted_us);
    REQUIRE(bench.drain().empty());
    CHECK(bench.reasons() == Rows{seq_of(2) + "|the block does not open"});
    bench.close();
    CHECK(bench.lost() == Rows{loss_of(2, 2)});
    bench.send_again(2);
    REQUIRE(bench.drain().empty());
    CHECK(bench.blocks() == rows_of({1, 2}));
}

TEST_CASE("adopt: a close goes up to the last block that the lake knows of in any way") {
    AdoptBench bench;
    SECTION("a block that was refused") {
        bench.maker.stream(1, "thing", *bench.thing);
        bench.schema(*bench.thing);
        bench.send(9);  // before its record
        bench.epoch(bench.maker);
        bench.commit_each({1, 2});
    }
    SECTION("what the next epoch's record told") {
        bench.begin();
        bench.commit_each({1, 2});
        bench.boot_after_cut(2, 9);
        REQUIRE(bench.drain().empty());
    }
    bench.lose_journal();
    REQUIRE(bench.adopt().ok());
    REQUIRE(bench.start());
    bench.meet();
    bench.send_again(2);
    REQUIRE(bench.drain().empty());
    bench.close();
    const Rows lost = bench.lost();
    CHECK(std::count(lost.begin(), lost.end(), loss_of(3, 9)) == 1);
}

TEST_CASE("adopt: what was in quarantine until retention is not there any more") {
    AdoptBench bench;
    const std::vector<std::byte> model = small_model();
    const auto bus = make_schema("bus", TimeKind::source, {field("n", FieldKind::integer)});
    bench.maker.stream(1, "bus", *bus, model);
    const auto block = [&](std::uint32_t number) {
        Body body;
        body.samples(1, *bus, {1}, {{Value::of_integer(number)}}, codec_range, model);
        bench.block(bench.maker, bench.maker.block(number, body));
    };
    bench.schema(*bus);
    block(1);  // before its record
    bench.epoch(bench.maker);
    block(2);
    REQUIRE(bench.drain().empty());
    const std::string waits = seq_of(2) + "|" + std::string{unknown_model} + hex(model_hash(model));
    REQUIRE(bench.reasons() == Rows{seq_of(1) + "|no epoch record", waits});
    expire_all(bench, "acme/_quarantine");
    bench.lose_journal();
    REQUIRE(bench.adopt().ok());
    REQUIRE(bench.start());
    bench.schema(*bus);
    bench.epoch(bench.maker);
    block(2);
    REQUIRE(bench.drain().empty());
    CHECK(bench.reasons() == Rows{waits});
    bench.close();
    CHECK(bench.lost() == Rows{loss_of(1, 1)});
}
