// That after an adoption nothing acknowledged is dropped without a word: what is in quarantine,
// what has gone with age, what another device or table stands for.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "collector/journal/connection_cost.hpp"
#include "collector/lake/retention.hpp"
#include "collector/writer/table_columns.hpp"
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

// Blocks that need a model.
struct ModelBlocks {
    explicit ModelBlocks(AdoptBench& of) : bench{of} {
        bench.maker.stream(1, "bus", *schema, model);
    }
    void meet() const {
        bench.schema(*schema);
        bench.epoch(bench.maker);
    }
    std::vector<std::byte> sealed(std::uint32_t number) const {
        Body body;
        body.samples(1, *schema, {1}, {{Value::of_integer(number)}}, codec_range, model);
        return bench.maker.block(number, body);
    }
    AdoptBench& bench;
    std::vector<std::byte> model = small_model();
    std::unique_ptr<StoredSchema> schema =
        make_schema("bus", TimeKind::source, {field("n", FieldKind::integer)});
};

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

TEST_CASE("adopt: what connections cost before is counted no second time") {
    AdoptBench bench;
    const auto connected = [&bench](std::uint64_t ms, std::int64_t hour) {
        std::array<std::byte, connection_cost_bytes_max> room;
        ByteWriter body{room};
        write_connection_cost({ms, {}, true}, body);
        bench.append(JournalKind::connection, "acme", "bus-1", body.written(),
                     noon_us + hour * 3'600'000'000);
    };
    bench.begin();
    connected(1000, 0);
    bench.send(1);
    REQUIRE(bench.drain().empty());
    REQUIRE(bench.adopt().value().entries_kept == 4);
    REQUIRE(bench.start());
    connected(30, 2);
    connected(7, 3);
    REQUIRE(bench.drain().empty());
    CHECK(bench.rows("acme/_usage", {"hour", "connected_ms"}) ==
          Rows{"2026-11-21 14:00:00.000000Z|30"});
    CHECK(holds(bench.report()));
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

TEST_CASE("adopt: a power cut that is listed is not told once more") {
    AdoptBench bench;
    bench.begin();
    bench.commit_each({1});
    bench.boot_after_cut(2, 1);
    REQUIRE(bench.drain().empty());
    const Rows listed{"1|" + seq_of(2) + "||power_cut"};
    REQUIRE(bench.lost() == listed);
    bench.lose_journal();
    REQUIRE(bench.adopt().ok());
    REQUIRE(bench.start());
    bench.schema(*bench.thing);
    bench.boot_after_cut(2, 1);
    REQUIRE(bench.drain().empty());
    CHECK(bench.lost() == listed);
    bench.meet();
    REQUIRE(bench.drain().empty());
    CHECK(bench.lost() == listed);
}

TEST_CASE("adopt: rows that others have added are of no block") {
    AdoptBench bench;
    bench.lose_after({1, 2});
    bench.writer.reset();
    const auto add = [&](const std::string& name, const Batch& batch) {
        auto object = bench.store->begin();
        REQUIRE(object.ok());
        const auto file = write_parquet(batch, batch.arrival_order(), *object.value());
        REQUIRE(file.ok());
        REQUIRE(object.value()->finish("acme/thing/" + name).ok());
        bench.commit_by_hand(R"({"add":{"path":")" + name +
                             R"(","partitionValues":{"receive_date":"2026-11-21"},"size":)" +
                             std::to_string(file.value().bytes) +
                             R"(,"modificationTime":0,"dataChange":true}})");
    };
    Batch nameless{fixed_columns()};
    nameless.begin_row();
    for (std::size_t i = 0; i < nameless.columns().size(); ++i) nameless.put_null(i);
    nameless.end_row();
    add("nameless.parquet", nameless);
    Batch foreign{{fixed_columns()[column_event_time]}};
    foreign.begin_row();
    foreign.put_integer(0, 1);
    foreign.end_row();
    add("foreign.parquet", foreign);
    const auto report = bench.adopt(10);
    REQUIRE(report.ok());
    CHECK(report.value().epochs == 1);
    REQUIRE(bench.start());
    bench.meet();
    bench.send_again(1);
    REQUIRE(bench.drain().empty());
    CHECK(bench.writer->counters().duplicates == 1);
}

TEST_CASE("adopt: of a copy that was cut, what has its record there is looked at") {
    AdoptBench bench;
    bench.journal_settings.segment_bytes_max = 1;  // each group has one
    bench.settings.snapshot_bytes = 1;
    bench.begin();
    bench.commit_each({1, 2});
    bench.meet();  // another session
    bench.commit_each({3});
    REQUIRE(bench.journal->begin(0).value() != 0);
    bench.remove_all("acme/thing");  // the lake was set back
    const auto report = bench.adopt();
    REQUIRE(report.ok());
    CHECK(report.value().cut);
    REQUIRE(bench.start());
    REQUIRE(bench.drain().empty());
    CHECK(bench.blocks() == rows_of({3}));
}

TEST_CASE("adopt: a release is of what is in quarantine, though the block is cut off") {
    AdoptBench bench;
    bench.journal_settings.segment_bytes_max = 1;
    bench.settings.snapshot_bytes = 1;
    const ModelBlocks blocks{bench};
    blocks.meet();
    for (const std::uint32_t number : {1U, 2U, 3U}) {
        bench.block(bench.maker, blocks.sealed(number));
        REQUIRE(bench.drain().empty());
    }
    REQUIRE(bench.journal->begin(0).value() != 0);
    blocks.meet();
    bench.append(JournalKind::model, "acme", "", blocks.model);
    bench.append(JournalKind::release, "acme", "bus-1", blocks.sealed(1));
    REQUIRE(bench.adopt().ok());
    REQUIRE(bench.start());
    REQUIRE(bench.drain().empty());
    CHECK(bench.rows("acme/bus", {"seq"}) == Rows{seq_of(1)});
}

TEST_CASE("adopt: of an epoch with another one behind it few anchors are taken over") {
    AdoptBench bench;
    bench.begin();
    for (std::uint32_t number = 1; number < 10; ++number) {
        Body body;
        body.anchor(number, noon_us + number, 1)
            .samples(1, *bench.thing, {1}, {{Value::of_integer(1)}});
        bench.block(bench.maker, bench.maker.block(number, body));
    }
    REQUIRE(bench.drain().empty());
    const auto anchors = [&bench] {
        LocalStore lake{bench.disk};
        LakeRanges::Progress progress;
        LakeRanges ranges{lake, "acme", progress, [](const LakeRanges::Progress&) {}};
        REQUIRE(ranges.read().ok());
        std::vector<std::size_t> counts;
        const auto count = [&counts](const std::string&, const AdoptedEpoch& epoch) -> Status {
            CHECK(epoch.state.anchors_made == (epoch.number == 1 ? 9 : 0));
            counts.push_back(epoch.state.anchors.size());
            return {};
        };
        REQUIRE(ranges.for_each_epoch(count).ok());
        return counts;
    };
    CHECK(anchors() == std::vector<std::size_t>{9U});
    bench.next_epoch(2, 9);
    REQUIRE(bench.drain().empty());
    CHECK(anchors() == std::vector<std::size_t>{4U, 0U});
}

TEST_CASE("adopt: what was in quarantine until retention is not there any more") {
    AdoptBench bench;
    const ModelBlocks blocks{bench};
    bench.schema(*blocks.schema);
    bench.block(bench.maker, blocks.sealed(1));  // before its record
    bench.epoch(bench.maker);
    bench.block(bench.maker, blocks.sealed(2));
    REQUIRE(bench.drain().empty());
    const std::string waits =
        seq_of(2) + "|" + std::string{unknown_model} + hex(model_hash(blocks.model));
    REQUIRE(bench.reasons() == Rows{seq_of(1) + "|no epoch record", waits});
    expire_all(bench, "acme/_quarantine");
    bench.lose_journal();
    REQUIRE(bench.adopt().ok());
    REQUIRE(bench.start());
    blocks.meet();
    bench.block(bench.maker, blocks.sealed(2));
    REQUIRE(bench.drain().empty());
    CHECK(bench.reasons() == Rows{waits});
    bench.close();
    CHECK(bench.lost() == Rows{loss_of(1, 1)});
}

TEST_CASE("adopt: a journal that has adopted nothing is not closed, and stays as it is") {
    for (const bool cut : {false, true}) {
        CAPTURE(cut);
        AdoptBench bench;
        if (cut) bench.journal_settings.segment_bytes_max = bench.settings.snapshot_bytes = 1;
        bench.begin();
        bench.commit_each({1, 3, 4, 5});
        REQUIRE((bench.journal->begin(0).value() != 0) == cut);
        const Offset end = bench.journal->durable_end(0);
        const auto close = [&bench] {
            bench.writer.reset();
            bench.journal.reset();
            LocalStore lake{bench.disk};
            return tools::close_adoption(bench.disk, lake, {adopted_us});
        };
        const auto closed = close();
        REQUIRE(!closed.ok());
        CHECK_THAT(closed.error().text, Catch::Matchers::ContainsSubstring("adopted no lake"));
        REQUIRE(bench.start());
        CHECK(bench.journal->durable_end(0) == end);
        REQUIRE(bench.drain().empty());
        CHECK(bench.lost().empty());

        // One that has can be closed, though its beginning is cut off.
        bench.lose_journal();
        REQUIRE(bench.adopt().ok());
        REQUIRE(bench.start());
        bench.meet();
        bench.commit_each({1, 3, 4, 5});
        REQUIRE((bench.journal->begin(0).value() != 0) == cut);
        REQUIRE(close().ok());
        REQUIRE(bench.start());
        REQUIRE(bench.drain().empty());
        CHECK(bench.lost() == Rows{loss_of(2, 2)});
    }
}
