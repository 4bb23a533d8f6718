// A lake whose journal was lost, or set back: what the new one knows, and what becomes of blocks
// that devices send again.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "collector/journal/journal_swap.hpp"
#include "tests/unit/tools/adopt_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE(
    "adopt: a lake of a journal that is lost goes on, and what comes again stands there once") {
    AdoptBench bench;
    bench.begin();
    bench.commit_each({1, 2, 5});
    bench.lose_journal();

    REQUIRE(bench.start());  // a new journal, as of a collector on a new disk
    bench.meet();
    CHECK_THAT(bench.drain(), ContainsSubstring("longhaul adopt"));

    const auto report = bench.adopt();
    REQUIRE(report.ok());
    CHECK(report.value().devices == 1);
    CHECK(report.value().epochs == 1);
    CHECK(report.value().lake.rows == 9);
    CHECK(report.value().entries_kept == 2);

    REQUIRE(bench.start());
    CHECK(bench.drain().empty());
    for (const std::uint32_t number : {4U, 5U, 6U}) bench.send_again(number);
    bench.send_again(6);
    CHECK(bench.drain().empty());
    CHECK(bench.blocks() == rows_of({1, 2, 4, 5, 6}));
    CHECK(bench.lost().empty());  // the device may still send it
    CHECK(bench.report().totals.awaited == 1);
    bench.close();
    CHECK(bench.lost() == Rows{loss_of(3, 3)});
    const AuditReport audited = bench.report();
    CAPTURE(audited.problems);
    CHECK(holds(audited));
    CHECK(audited.totals.awaited == 0);
    CHECK(audited.totals.lost == 1);
    CHECK(audited.totals.older == 2);
}

TEST_CASE("adopt: what is known survives snapshots, and reading the journal again") {
    for (const bool snapshots : {false, true}) {
        CAPTURE(snapshots);
        AdoptBench bench;
        bench.with_snapshots = snapshots;
        bench.settings.snapshot_bytes = 1;
        bench.begin();
        for (const std::uint32_t number : {1U, 3U}) bench.send(number);
        REQUIRE(bench.drain().empty());
        bench.lose_journal();
        REQUIRE(bench.adopt().ok());
        REQUIRE(bench.start());
        REQUIRE(bench.drain().empty());
        const std::vector<std::uint32_t> again{1, 3, 4, 3};
        bench.meet();
        for (const std::uint32_t number : again) {
            bench.send_again(number);
            REQUIRE(bench.start());
            REQUIRE(bench.drain().empty());
            REQUIRE(bench.start());
            REQUIRE(bench.drain().empty());
        }
        CHECK(bench.blocks() == rows_of({1, 3, 4}));
        for (int twice = 0; twice < 2; ++twice) bench.close();
        CHECK(bench.lost() == Rows{loss_of(2, 2)});
        CHECK(bench.rows("acme/_epochs", {"epoch"}).size() == 1);
        CHECK(holds(bench.report()));
    }
}

TEST_CASE("adopt: of a journal that was set back what the tables lack becomes rows") {
    AdoptBench bench;
    bench.begin();
    bench.send(1);
    bench.send(2);
    REQUIRE(bench.drain().empty());
    const std::string path = "shard-0000/" + bench.disk.list("shard-0000").value()[0].name;
    const auto older = read_file(bench.disk, path).value();
    bench.send(3);
    REQUIRE(bench.drain().empty());
    bench.writer.reset();
    bench.journal.reset();
    REQUIRE(bench.disk.remove(path).ok());
    REQUIRE(write_synced(bench.disk, path, older).ok());
    REQUIRE(bench.disk.sync_directory("shard-0000").ok());

    REQUIRE(bench.start());
    CHECK_THAT(bench.drain(), ContainsSubstring("longhaul adopt"));
    bench.remove_all("acme/thing");  // this table with it: it lacks everything
    const auto report = bench.adopt();
    REQUIRE(report.ok());
    CHECK(report.value().entries_kept == 4);
    CHECK(bench.disk.list("before-07000000-0000-0000-0000-000000000000").ok());
    REQUIRE(bench.start());
    REQUIRE(bench.drain().empty());
    CHECK(bench.blocks() == rows_of({1, 2}));
    bench.send_again(2);
    bench.send_again(3);
    REQUIRE(bench.drain().empty());
    CHECK(bench.blocks() == rows_of({1, 2, 3}));
    CHECK(bench.rows("acme/_epochs", {"epoch"}).size() == 1);
    CHECK(holds(bench.report()));
}

TEST_CASE(
    "adopt: what a journal has lost where it rotted is asked for again, and nothing is doubled") {
    AdoptBench bench;
    bench.begin();
    for (const std::uint32_t number : {1U, 2U, 3U}) bench.send(number);
    REQUIRE(bench.drain().empty());
    bench.send(4);  // in no table
    bench.send(5);
    std::vector<Offset> blocks;
    auto reader = bench.journal->read(0, 0);
    REQUIRE(reader.ok());
    for (auto read = reader.value()->next(); read.ok(); read = reader.value()->next()) {
        if (read.value().entry.kind == JournalKind::block) blocks.push_back(read.value().offset);
    }
    bench.damage(blocks[1]);
    bench.damage(blocks[3]);
    REQUIRE(bench.start());
    REQUIRE(bench.drain().empty());
    const Rows notes = bench.writer->take_notes();
    REQUIRE(notes.size() == 2);
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}})
        CHECK_THAT(notes[i], ContainsSubstring("offset " + std::to_string(blocks[2 * i + 1]) +
                                               " of shard 0"));
    CHECK(bench.blocks() == rows_of({1, 2, 3, 5}));

    const auto report = bench.adopt();
    REQUIRE(report.ok());
    CHECK(report.value().entries_damaged == 2);
    CHECK(report.value().entries_kept == 5);
    REQUIRE(bench.start());
    for (const std::uint32_t number : {1U, 2U, 3U, 4U, 5U}) bench.send_again(number);
    REQUIRE(bench.drain().empty());
    CHECK(bench.blocks() == rows_of({1, 2, 3, 4, 5}));
    CHECK(holds(bench.report()));
}

TEST_CASE("adopt: of two tables the one that lacks a block's rows gets them") {
    AdoptBench bench;
    const auto other = make_schema("other", TimeKind::source, {field("n", FieldKind::integer)});
    bench.maker.stream(2, "other", *other);
    const auto both = [&] {
        Body body;
        body.anchor(5, noon_us, 7)
            .samples(1, *bench.thing, {1}, {{Value::of_integer(1)}})
            .samples(2, *other, {2}, {{Value::of_integer(2)}});
        return bench.maker.block(1, body);
    }();
    bench.begin();
    bench.schema(*other);
    bench.epoch(bench.maker);
    bench.block(bench.maker, both);
    REQUIRE(bench.drain().empty());
    bench.lose_journal();
    bench.remove_all("acme/other");
    REQUIRE(bench.adopt().ok());
    REQUIRE(bench.start());
    bench.schema(*other);
    bench.meet();
    bench.block(bench.maker, both, adopted_us + 1);
    bench.block(bench.maker, both, adopted_us + 2);
    REQUIRE(bench.drain().empty());
    CHECK(bench.rows("acme/thing", {"seq", "row"}).size() == 1);
    CHECK(bench.rows("acme/other", {"seq", "row"}).size() == 1);
    CHECK(bench.rows("acme/_anchors", {"anchor"}).size() == 1);
    CHECK(holds(bench.report()));
}

TEST_CASE("adopt: a collector that goes on with the journal that was adopted is found out") {
    AdoptBench bench;
    bench.begin();
    bench.send(1);
    REQUIRE(bench.drain().empty());
    bench.lose_journal();
    REQUIRE(bench.adopt().ok());
    REQUIRE(bench.start());
    bench.commit_by_hand(
        R"({"txn":{"appId":"07000000-0000-0000-0000-000000000000/0","version":9000000}})");
    bench.meet();
    CHECK_THAT(bench.drain(), ContainsSubstring("a collector still runs on it"));
}

TEST_CASE("adopt: of two collectors on one lake each stops at its first commit behind the other") {
    const auto commit = [](AdoptBench& bench, const std::string& journal) {
        bench.commit_by_hand(R"({"txn":{"appId":")" + journal + R"(/0","version":9000000}})");
    };
    AdoptBench old;
    old.begin();
    old.send(1);
    REQUIRE(old.drain().empty());
    old.send(2);  // its table is open when another journal takes over
    commit(old, "09000000-0000-0000-0000-000000000000");
    CHECK_THAT(old.drain(), ContainsSubstring("holds rows of another journal"));
    CHECK(old.blocks() == rows_of({1}));

    AdoptBench bench;
    bench.begin();
    bench.send(1);
    REQUIRE(bench.drain().empty());
    bench.lose_journal();
    REQUIRE(bench.adopt().ok());
    REQUIRE(bench.start());
    bench.meet();
    REQUIRE(bench.drain().empty());
    bench.send_again(2);
    commit(bench, "07000000-0000-0000-0000-000000000000");
    CHECK_THAT(bench.drain(), ContainsSubstring("a collector still runs on it"));
    CHECK(bench.blocks() == rows_of({1}));
}

TEST_CASE("adopt: a journal of which a part is missing is refused, and stays as it is") {
    AdoptBench bench;
    bench.begin();
    bench.send(1);
    REQUIRE(bench.drain().empty());
    const auto meta = read_file(bench.disk, "journal.meta").value();
    REQUIRE(bench.disk.remove("journal.meta").ok());
    CHECK_THAT(bench.adopt().error().text, ContainsSubstring("Put back what is missing"));
    REQUIRE(write_synced(bench.disk, "journal.meta", meta).ok());
    REQUIRE(bench.start());
    CHECK(bench.journal->id().uuid[0] == std::byte{7});
    CHECK(bench.journal->durable_end(0) != 0);

    // What came back after it had been put aside is put beside that.
    const std::string path = "shard-0000/" + bench.disk.list("shard-0000").value()[0].name;
    const auto segment = read_file(bench.disk, path).value();
    REQUIRE(bench.adopt(8).value().aside == "before-07000000-0000-0000-0000-000000000000");
    bench.lose_journal();
    REQUIRE(write_synced(bench.disk, path, segment).ok());
    REQUIRE(write_synced(bench.disk, "journal.meta", meta).ok());
    REQUIRE(bench.adopt(9).value().aside == "before-07000000-0000-0000-0000-000000000000-2");
    REQUIRE(bench.start());
    CHECK(bench.journal->id().uuid[0] == std::byte{9});
}

TEST_CASE("adopt: files and folders of others in the lake are no tenants and no tables") {
    AdoptBench bench;
    for (const char* const folder : {"lost+found", "acme"})
        REQUIRE(bench.disk.make_directories(folder).ok());
    for (const char* const file : {"notes", "lost+found/1", "acme/notes"})
        REQUIRE(write_synced(bench.disk, file, as_bytes("by hand")).ok());
    bench.begin();
    bench.send(1);
    REQUIRE(bench.drain().empty());
    bench.lose_journal();
    REQUIRE(bench.adopt().ok());
    REQUIRE(bench.start());
    CHECK(bench.drain().empty());
}

TEST_CASE("adopt: wherever it is stopped, it is run again and does the same") {
    const bool has_journal = GENERATE(true, false);
    for (std::uint64_t steps = 0;; ++steps) {
        CAPTURE(has_journal, steps);
        AdoptBench bench;
        bench.begin();
        bench.send(1);
        bench.send(3);
        REQUIRE(bench.drain().empty());
        REQUIRE(bench.start());
        if (!has_journal) bench.lose_journal();
        bench.disk.fail_after(steps);
        const bool finished = bench.adopt(8).ok();
        std::mt19937_64 torn{steps};
        bench.disk.cut_power(&torn);
        const auto begun = begun_swap(bench.disk);
        REQUIRE(begun.ok());
        if (begun.value()) CHECK(!bench.start());  // of neither journal
        if (!finished) REQUIRE(bench.adopt(9).ok());
        REQUIRE(bench.start());
        bench.meet();
        for (const std::uint32_t number : {2U, 3U, 4U}) bench.send_again(number);
        REQUIRE(bench.drain().empty());
        REQUIRE(bench.blocks() == rows_of({1, 2, 3, 4}));
        REQUIRE(holds(bench.report()));
        if (finished) break;
    }
}

TEST_CASE("adopt: a lake with a damaged file, or without tables, is refused and nothing changes") {
    AdoptBench bench;
    CHECK(bench.start());
    CHECK_THAT(bench.adopt().error().text, ContainsSubstring("nothing to adopt"));
    bench.begin();
    bench.send(1);
    REQUIRE(bench.drain().empty());
    bench.disk.flip("acme/thing/" + bench.only_file().path, 100, std::byte{1});
    CHECK_THAT(bench.adopt().error().text, ContainsSubstring("put a copy of it back"));
    REQUIRE(bench.start());
    CHECK(bench.journal->id().uuid[0] == std::byte{7});
    CHECK(bench.drain().empty());
}

TEST_CASE("adopt: what has not come is listed as lost when a person says that it will not") {
    AdoptBench bench;
    bench.begin();
    bench.send(1);
    REQUIRE(bench.drain().empty());
    bench.lose_journal();
    REQUIRE(bench.adopt().ok());
    REQUIRE(bench.start());
    bench.meet();
    bench.send_again(1);
    bench.send_again(4);  // nothing tells whether 2 and 3 are still to come
    REQUIRE(bench.drain().empty());
    CHECK(bench.lost().empty());
    CHECK(bench.report().totals.awaited == 2);

    bench.close();
    CHECK(bench.lost() == Rows{loss_of(2, 3)});
    bench.send_again(3);  // the row counts
    REQUIRE(bench.drain().empty());
    CHECK(bench.blocks() == rows_of({1, 3, 4}));
    const AuditReport report = bench.report();
    CHECK(holds(report));
    CHECK((report.totals.awaited == 0 && report.totals.lost == 1));
}

TEST_CASE("adopt: an epoch with many runs becomes entries that fit, and adds up again") {
    AdoptedEpoch epoch{7, 9, {1}, {2}, {}};
    epoch.state.cut.classes = 5;
    epoch.state.cut.any_class = true;
    epoch.state.anchors_made = 3;
    epoch.state.anchors.push_back({2, -5, 6, std::nullopt});
    AdoptedBlocks& adopted = epoch.state.adopted.emplace();
    adopted.listed = true;
    adopted.record = 0x8877665544332211;
    for (std::uint32_t i = 1; i < 20'000; ++i) {
        adopted.tables["thing"].add({i * 1000, i * 1000 + i % 7});
        adopted.tables["_losses"].add({i * 2000 + 500, i * 2000 + 501});
    }
    EpochState again;
    std::size_t entries = 0;
    const auto take = [&](Bytes body) -> Status {
        ++entries;
        CHECK(body.size() < 60'000);
        const auto decoded = decode_adoption(body);
        REQUIRE(decoded.ok());
        const auto& part = std::get<AdoptedEpoch>(decoded.value());
        CHECK((part.incarnation == 7 && part.number == 9));
        again.adopt(part.state);
        return {};
    };
    REQUIRE(encode_adoption(epoch, take).ok());
    CHECK(entries > 5);
    CHECK(again.adopted->listed);
    CHECK(again.adopted->record == adopted.record);
    CHECK((again.cut.classes == 5 && again.cut.any_class));
    CHECK((again.anchors_made == 3 && again.anchors.size() == 1));
    CHECK(again.adopted->tables["thing"].runs() == adopted.tables["thing"].runs());
    CHECK(again.adopted->tables["_losses"].runs() == adopted.tables["_losses"].runs());
    CHECK(again.received.runs() == adopted.tables["thing"].runs());

    const std::byte unknown{77};
    CHECK(!decode_adoption(Bytes{&unknown, 1}).ok());
    CHECK(!decode_adoption({}).ok());
}
