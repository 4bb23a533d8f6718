// Defects that somebody planted: each is found and named, also when the journal's beginning has
// been cut off, files have been merged and rows have expired.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "collector/lake/parquet_file.hpp"
#include "collector/lake/upkeep.hpp"
#include "collector/writer/snapshots.hpp"
#include "tests/unit/tools/audit_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;
using namespace longhaul::tools;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::uint32_t blocks = 12;
constexpr std::int64_t day_us = std::int64_t{86'400} * 1'000'000;

// Twelve blocks, each a commit and, if the journal is cut, a snapshot.
struct DefectBench : AuditBench {
    explicit DefectBench(bool cut, bool segments = false) {
        if (cut || segments) journal_settings.segment_bytes_max = 400;
        if (cut) settings.snapshot_bytes = 1;
        begin();
        for (std::uint32_t number = 1; number <= blocks; ++number) {
            send(number, number);
            REQUIRE(drain().empty());
        }
        const AuditReport sound = report();
        CHECK(holds(sound));
        CHECK(sound.totals.blocks == blocks);
        CHECK((sound.totals.older != 0) == cut);
    }
    // The file of the first or the last block.
    DataFile file(bool of_first) {
        DeltaTable table{*store, "acme/thing"};
        REQUIRE(table.refresh().ok());
        std::map<int, DataFile> files;  // by where in the journal their rows begin
        for (const auto& [path, file] : table.state().files) {
            const std::size_t shard = path.find("0-", path.find('/'));
            files[std::stoi(path.substr(shard + 2))] = file;
        }
        return of_first ? files.begin()->second : files.rbegin()->second;
    }
    // Another program writes the file's rows anew: these, in this order.
    void rewrite(const DataFile& old, const std::vector<std::uint32_t>& rows) {
        DeltaTable table{*store, "acme/thing"};
        REQUIRE(table.refresh().ok());
        const auto data = read_columns(table.read(old).value(), table.state().columns);
        REQUIRE(data.ok());
        Batch batch{table.state().columns};
        std::vector<Batch::RowPlace> places;
        for (const std::uint32_t row : rows) places.push_back({&data.value(), row});
        batch.append_rows(places);
        auto object = store->begin();
        const auto written = write_parquet(batch, batch.arrival_order(), *object.value());
        REQUIRE(written.ok());
        TableCommit commit;
        commit.files = {old};
        commit.files[0].path = "receive_date=" + old.receive_date + "/part-0.parquet";
        commit.files[0].bytes = written.value().bytes;
        commit.removed = {old.path};
        commit.columns = table.state().columns;
        REQUIRE(object.value()->finish("acme/thing/" + commit.files[0].path).ok());
        REQUIRE(table.commit(commit).ok());
    }
    // Of this block.
    void rewrite_without_last_row(std::uint32_t number) {
        DeltaTable table{*store, "acme/thing"};
        REQUIRE(table.refresh().ok());
        for (const auto& [path, file] : table.state().files) {
            std::vector<std::uint32_t> rows;
            std::uint32_t at = 0;
            const auto content = table.read(file);
            REQUIRE(read_row_names(content.value(), [&](const RowName& name) {
                        const auto seq = static_cast<std::uint32_t>(name.seq);
                        if (BlockSeq{seq}.number() != number || name.row != 2) rows.push_back(at);
                        ++at;
                    }).ok());
            if (rows.size() == at) continue;
            REQUIRE(rows.size() + 1 == at);
            return rewrite(file, rows);
        }
        FAIL("no file has it");
    }
    // Another program takes a file's rows out.
    void remove(const DataFile& old) {
        commit_by_hand(R"({"remove":{"path":")" + old.path +
                       R"(","deletionTimestamp":0,"dataChange":true}})");
    }
    void send_later(std::int64_t after_s) {
        send(++newest, after_s);
        REQUIRE(drain().empty());
    }
    std::uint32_t newest = blocks;
    void look_after(std::int64_t days, unsigned work) {
        Upkeep upkeep{*store, {}, {}};
        upkeep.look_after_all(work, {noon_us + days * day_us});
        REQUIRE(upkeep.counters().failures == 0);
    }
    // Told by the audit, which does not hold.
    void check_tells(const std::string& text) {
        const AuditReport found = report();
        CHECK_FALSE(holds(found));
        std::string all;
        for (const std::string& problem : found.problems) all += problem + "\n";
        CHECK_THAT(all, ContainsSubstring(text));
    }
};

}  // namespace

TEST_CASE("defects: a row that was removed, or stands there twice, is found") {
    for (const bool cut : {false, true}) {
        for (const bool of_first : {false, true}) {
            CAPTURE(cut, of_first);
            const std::string block = "normal block " + std::to_string(of_first ? 1 : blocks);
            DefectBench removed{cut};
            removed.rewrite(removed.file(of_first), {0, 2});
            removed.check_tells(block + ": 3 samples were sent, 2 rows are there");
            DefectBench twice{cut};
            twice.rewrite(twice.file(of_first), {0, 1, 2, 1});
            twice.check_tells(block + ": 1 rows stand there twice");
        }
    }
}

TEST_CASE("defects: a block's rows that were removed are found") {
    for (const bool cut : {false, true}) {
        for (const bool of_first : {false, true}) {
            CAPTURE(cut, of_first);
            DefectBench bench{cut};
            bench.remove(bench.file(of_first));
            const AuditReport found = bench.report();
            if (cut && of_first) {
                // It was cut off, too: nothing tells that it came, but that others of its class
                // did, until its hour is over.
                CHECK(found.totals.awaited + found.totals.holes == 1);
            } else {
                bench.check_tells("3 samples were sent, 0 rows are there");
            }
        }
    }
}

TEST_CASE(
    "defects: rows that were removed when their block had been cut off are found missing by "
    "hours") {
    for (const bool merged : {false, true}) {
        CAPTURE(merged);
        DefectBench bench{true};
        bench.send_later(5 * 3600);
        bench.send_later(6 * 3600);
        if (merged) bench.look_after(2, Upkeep::compacting);
        CHECK(holds(bench.report()));
        const std::string tells =
            "rows are missing of what came before 2026-11-21T13:00:00.000Z: "
            "_usage tells of 36, ";
        if (merged) {
            bench.rewrite_without_last_row(5);
            bench.check_tells("acme/bus-1: 1 " + tells + "35 are");
        } else {
            bench.remove(bench.file(true));
            bench.check_tells("acme/bus-1: 3 " + tells + "33 are");
        }
    }
}

TEST_CASE("defects: a whole boot that is gone from the tables is found missing") {
    DefectBench bench{true};
    bench.next_epoch(2);  // at noon, like the first one
    for (std::uint32_t number = 1; number <= blocks; ++number) {
        Body body;
        body.samples(1, *bench.thing, {1, 2, 3},
                     {{Value::of_integer(1), Value::of_integer(2), Value::of_integer(number)}});
        const EpochMaker& boot = bench.later.at(2);
        bench.block(boot, boot.block(number, body), noon_us + (100 + number) * 1'000'000);
        REQUIRE(bench.drain().empty());
    }
    bench.send_later(5 * 3600);
    bench.send_later(6 * 3600);
    const AuditReport sound = bench.report();
    for (const std::string& problem : sound.problems) UNSCOPED_INFO(problem);
    REQUIRE(holds(sound));
    for (std::uint32_t number = 1; number <= blocks; ++number) bench.remove(bench.file(true));
    bench.check_tells("acme/bus-1: 36 rows are missing of what came before");
}

TEST_CASE("defects: a file or a commit that is missing, and a value that has changed, are named") {
    for (const bool cut : {false, true}) {
        CAPTURE(cut);
        DefectBench file{cut};
        const std::string path = "acme/thing/" + file.file(true).path;
        REQUIRE(file.disk.remove(path).ok());
        file.check_tells(path + ": corrupt: a file that the Delta log lists is missing");

        DefectBench commit{cut};
        REQUIRE(commit.disk.remove("acme/thing/_delta_log/" + commit_name(5)).ok());
        commit.check_tells(
            "acme/thing: corrupt: a commit in the middle of the Delta log is missing");

        DefectBench value{cut};
        const DataFile changed = value.file(false);
        value.disk.flip("acme/thing/" + changed.path, changed.bytes / 2, std::byte{4});
        value.check_tells(changed.path);
    }
    // The newest: the table has been taken back to an older version.
    DefectBench newest{true};
    REQUIRE(newest.disk.remove("acme/thing/_delta_log/" + commit_name(blocks - 1)).ok());
    newest.check_tells("normal block 12: 3 samples were sent, 0 rows are there");
}

TEST_CASE("defects: what is missing of the journal is named") {
    DefectBench entry{false};
    entry.damage(entry.journal->durable_end(0) / 2);
    entry.check_tells("is damaged");
    entry.check_tells("are in a table and the block is not in the journal");

    for (const bool first : {false, true}) {
        DefectBench segment{false, true};
        const auto segments = segment.disk.list("shard-0000").value();
        REQUIRE(segments.size() > 2);
        REQUIRE(segment.disk.remove("shard-0000/" + segments[first ? 0 : 1].name).ok());
        segment.check_tells(first ? "is missing, and no snapshot of the writer is behind it"
                                  : "is damaged");
    }
    DefectBench snapshots{true};
    const std::vector<std::uint64_t> numbers = snapshot_numbers(snapshots.disk).value();
    for (const std::uint64_t number : numbers)
        REQUIRE(snapshots.disk.remove(snapshot_path(number)).ok());
    snapshots.check_tells("is missing, and no snapshot of the writer is behind it");
}

TEST_CASE(
    "defects: cutting, merging and expiry leave an account that closes, and misses what goes") {
    for (const bool cut : {false, true}) {
        CAPTURE(cut);
        DefectBench bench{cut};
        bench.look_after(2, Upkeep::compacting);
        bench.settings.snapshot_bytes = 1;
        AuditReport found = bench.report();
        CHECK(holds(found));
        CHECK(found.totals.rows == 3 * blocks);
        bench.look_after(731, Upkeep::cleaning);
        found = bench.report();
        CHECK(holds(found));
        CHECK(found.totals.rows == 0);
        CHECK(found.totals.expired == blocks);
        bench.send(blocks + 1, 731 * 86'400);
        REQUIRE(bench.drain().empty());
        CHECK(holds(bench.report()));
        bench.rewrite(bench.file(true), {1});
        bench.check_tells("normal block 13: 3 samples were sent, 1 rows are there");
    }
}

TEST_CASE("defects: a block without samples that was cut off is no hole") {
    AuditBench bench;
    bench.journal_settings.segment_bytes_max = 400;
    bench.settings.snapshot_bytes = 1;
    bench.begin();
    bench.tell(1, {});  // no rows
    for (std::uint32_t number = 2; number <= blocks; ++number) {
        bench.send(number, number);
        REQUIRE(bench.drain().empty());
    }
    // Of a backlog: what is before it and has not come will not come.
    bench.send(blocks + 2, 100);
    bench.send(blocks + 1, 200);
    bench.send(blocks + 3, 300);
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(report.totals.older != 0);
    CHECK(holds(report));
    CHECK(report.totals.awaited == 1);
}

TEST_CASE("defects: what does not fit into memory is read in parts") {
    DefectBench bench{true};
    LocalStore lake{bench.disk};
    bool too_many = false;
    REQUIRE(read_lake(lake, {}, &too_many, blocks - 1).ok());
    CHECK(too_many);
    AuditReport all;
    for (std::uint32_t part = 0; part < 4; ++part) {
        AuditScope scope;
        scope.part = part;
        scope.parts = 4;
        too_many = false;
        const auto contents = read_lake(lake, scope, &too_many, blocks);
        REQUIRE(contents.ok());
        CHECK_FALSE(too_many);
        auto report = audit(*bench.journal, contents.value(), scope,
                            settled_offsets(bench.disk, *bench.journal));
        REQUIRE(report.ok());
        all.add(std::move(report).value());
    }
    CHECK(holds(all));
    CHECK(all.devices == 1);
    CHECK(all.tables == 1);
    CHECK(all.totals.rows == 3 * blocks);
}
