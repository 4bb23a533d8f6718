// Snapshots: what was cut off from the journal is known from them, whatever fails when.
#include <catch2/catch_test_macros.hpp>

#include "collector/journal/segment.hpp"
#include "collector/lake/audit_rows.hpp"
#include "common/base/crc32c.hpp"
#include "tests/unit/collector/writer/model_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

const StoredSchema& bus() {
    static const auto schema =
        make_schema("bus", TimeKind::device, {field("n", FieldKind::integer)});
    return *schema;
}

// A device whose blocks have one row each, and a journal of many small segments.
struct SnapshotBench : WriterBench {
    EpochMaker maker{"acme", "probe-1", 11, 1};

    SnapshotBench() {
        journal_settings.segment_bytes_max = 400;
        settings.snapshot_bytes = 1;
        maker.stream(1, "bus", bus());
        schema(bus());
        epoch(maker);
    }
    std::vector<std::byte> sealed(std::uint32_t number, std::int64_t value = 7) {
        Body body;
        if (number == 2) body.anchor(0, noon_us, 100);
        body.samples(1, bus(), {number * 1000}, {{Value::of_integer(value)}});
        return maker.block(number, body);
    }
    void send(std::uint32_t number) { block(maker, sealed(number)); }
    // Sends, and makes a snapshot behind it.
    void send_all(std::uint32_t first, std::uint32_t last) {
        for (std::uint32_t number = first; number <= last; ++number) {
            send(number);
            REQUIRE(drain() == "");
        }
    }
    Rows all() {
        Rows found = rows("acme/bus", {"epoch", "seq", "row", "event_time", "anchor", "n"});
        for (const char* table : {"acme/_anchors", "acme/_epochs", "acme/_quarantine"}) {
            for (const std::string& row : rows(table, {"device", "epoch", "receive_time"}))
                found.push_back(table + row);
        }
        return found;
    }
    Offset begin() { return journal->begin(0).value(); }
    std::vector<std::uint64_t> snapshots() { return snapshot_numbers(disk).value(); }
};

bool is_full(const Rows& rows, std::size_t blocks) {
    const auto of_table = [](const std::string& row) { return !row.starts_with("acme/_"); };
    return static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), of_table)) == blocks;
}

}  // namespace

TEST_CASE("snapshot: the journal is cut below the one before, and a start needs the rest only") {
    SnapshotBench bench;
    bench.send_all(1, 20);
    CHECK(bench.snapshots().size() == 2);
    CHECK(bench.begin() > 1000);
    const Rows before = bench.all();
    REQUIRE(is_full(before, 20));

    REQUIRE(bench.start());
    REQUIRE(bench.drain() == "");
    CHECK(bench.writer->counters().entries == 0);
    CHECK(bench.all() == before);
    CHECK(bench.writer->take_notes() ==
          Rows{"the writer goes on from snapshot " + snapshot_path(bench.snapshots()[0])});

    // All that it knew it knows: duplicates, forks, the epoch's key, anchors, columns.
    bench.send(3);
    bench.send_all(21, 22);
    bench.block(bench.maker, bench.sealed(20, 8));
    bench.epoch(bench.maker);
    REQUIRE(bench.drain() == "");
    CHECK(bench.writer->counters().duplicates == 1);
    CHECK(bench.writer->counters().quarantined == 1);
    CHECK(is_full(bench.all(), 22));
    CHECK(bench.rows("acme/_quarantine", {"reason"}) ==
          Rows{"fork: other content under the same name"});
    CHECK(bench.rows("acme/_anchors", {"anchor"}).size() == 2);
}

TEST_CASE("snapshot: tags of blocks are forgotten where they would be without it") {
    SnapshotBench bench;
    // The first block's entry reaches over into the next generation, and the snapshot is behind it.
    bench.settings.tag_bytes = bench.journal->durable_end(0) + 1;
    REQUIRE(bench.start());
    bench.send(1);
    REQUIRE(bench.drain() == "");
    REQUIRE(bench.snapshots() == std::vector<std::uint64_t>{1});
    bench.settings.snapshot_bytes = 1 << 30;
    for (std::uint32_t number = 2; bench.journal->durable_end(0) < 2 * bench.settings.tag_bytes;
         ++number)
        bench.send(number);
    bench.block(bench.maker, bench.sealed(1, 8));  // made with the same key: only a tag tells
    REQUIRE(bench.start());
    REQUIRE(bench.drain() == "");
    CHECK(bench.writer->counters().quarantined == 0);
    CHECK(bench.writer->counters().duplicates == 1);
}

TEST_CASE("snapshot: rows are the same with and without, wherever the disk fails") {
    const auto fill = [](SnapshotBench& bench, std::uint32_t first, std::uint32_t last) {
        for (std::uint32_t number = first; number <= last; ++number) {
            bench.send(number);
            if (number % 5 == 0) bench.send(number - 2);
        }
    };
    const auto work = [](WriterBench& bench) {
        std::int64_t now = 0;
        for (int steps = 0; steps < 10'000; ++steps) {
            bench.writer->request_barrier();
            if (!bench.writer->step({now += 10}, {noon_us}).ok()) return false;
            if (bench.writer->drained()) return true;
        }
        FAIL("the writer does not come to an end");
        return false;
    };
    SnapshotBench whole;
    whole.with_snapshots = false;
    REQUIRE(whole.start());
    fill(whole, 1, 30);
    REQUIRE(whole.drain() == "");
    const Rows expected = whole.all();
    REQUIRE(is_full(expected, 30));

    std::uint64_t failures = 0;
    for (std::uint64_t step = 1;; ++step) {
        SnapshotBench cut;
        cut.settings.rows_max = 3;
        cut.settings.entries_per_step = 2;
        REQUIRE(cut.start());
        fill(cut, 1, 15);
        REQUIRE(work(cut));
        fill(cut, 16, 30);
        cut.disk.fail_after(step);
        const bool done = work(cut);
        for (const bool torn : {false, true}) {
            CAPTURE(step, torn);
            std::mt19937_64 random{step};
            SnapshotBench bench;
            bench.disk = cut.disk;
            bench.disk.cut_power(torn ? &random : nullptr);
            REQUIRE(bench.start());
            INFO(bench.drain());
            REQUIRE(work(bench));
            REQUIRE(bench.all() == expected);
            CHECK(bench.snapshots().size() <= 3);
        }
        // Only the process ends, and the power fails when the next one has made its snapshot.
        CAPTURE(step);
        SnapshotBench next;
        next.disk = std::move(cut.disk);
        next.disk.fail_after(UINT64_MAX);
        REQUIRE(next.start());
        REQUIRE(work(next));
        next.disk.cut_power();
        REQUIRE(next.start());
        INFO(next.drain());
        REQUIRE(work(next));
        REQUIRE(next.all() == expected);
        if (done) break;
        ++failures;
    }
    INFO(failures);
    CHECK(failures > 60);
}

// Its head is whole: it is no damage, and what it says must not be passed over.
TEST_CASE("snapshot: one of a later version stops the writer") {
    SnapshotBench bench;
    bench.send_all(1, 12);
    const std::string path = snapshot_path(bench.snapshots()[0]);
    std::vector<std::byte> bytes = read_file(bench.disk, path).value();
    const std::size_t head_bytes = 36 + 8 * std::to_integer<std::size_t>(bytes[32]) + 8 + 16;
    constexpr std::byte later{snapshot_version ^ (snapshot_version + 1)};
    bench.disk.flip(path, 4, later);
    bytes[4] ^= later;
    std::array<std::byte, 4> sum;
    ByteWriter out{sum};
    out.u32(crc32c(Bytes{bytes}.first(head_bytes)));
    for (std::size_t i = 0; i < sum.size(); ++i)
        bench.disk.flip(path, head_bytes + i, bytes[head_bytes + i] ^ sum[i]);
    REQUIRE(bench.start());
    const auto opened = bench.writer->open();
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().text.find("of a version that this program does not know") !=
          std::string::npos);
    CHECK(bench.writer->fatal());
}

TEST_CASE("snapshot: of a damaged one the one before is taken, whichever byte it is") {
    SnapshotBench bench;
    bench.send_all(1, 12);
    const Rows before = bench.all();
    const std::string path = snapshot_path(bench.snapshots()[0]);
    const std::size_t size = read_file(bench.disk, path).value().size();
    for (std::size_t at = 0; at < size; at += at < 100 ? 1 : 7) {
        CAPTURE(at, size);
        bench.disk.flip(path, at, std::byte{0x10});
        REQUIRE(bench.start());
        REQUIRE(bench.writer->open().ok());
        const Rows notes = bench.writer->take_notes();
        REQUIRE(notes.size() == 2);
        CHECK(notes[0].find(path) != std::string::npos);
        CHECK(notes[1].find(snapshot_path(bench.snapshots()[1])) != std::string::npos);
        bench.disk.flip(path, at, std::byte{0x10});
    }
    bench.disk.flip(path, size - 1, std::byte{1});
    REQUIRE(bench.start());
    REQUIRE(bench.drain() == "");
    CHECK(bench.all() == before);
    CHECK(bench.snapshots().size() == 2);
    bench.send_all(13, 13);

    // The one that was good is kept, and not the damaged one.
    bench.disk.flip(snapshot_path(bench.snapshots()[0]), 100, std::byte{1});
    REQUIRE(bench.start());
    bench.send_all(14, 14);
    CHECK(is_full(bench.all(), 14));
}

TEST_CASE("snapshot: without one that can be read, a journal that was cut is not read") {
    for (const bool removed : {false, true}) {
        CAPTURE(removed);
        SnapshotBench bench;
        bench.send_all(1, 12);
        const Rows before = bench.all();
        for (const std::uint64_t number : bench.snapshots()) {
            if (removed) REQUIRE(bench.disk.remove(snapshot_path(number)).ok());
            if (!removed) bench.disk.flip(snapshot_path(number), 100, std::byte{1});
        }
        REQUIRE(bench.start());
        CHECK(bench.drain().find("put a copy of its folder snapshots back") != std::string::npos);
        CHECK(bench.writer->fatal());
        CHECK(bench.all() == before);
    }
}

TEST_CASE("snapshot: a journal that was not cut is read whole when no snapshot can be read") {
    SnapshotBench bench;
    bench.journal_settings.segment_bytes_max = 1 << 20;
    REQUIRE(bench.start());
    bench.send_all(1, 12);
    const Rows before = bench.all();
    for (const std::uint64_t number : bench.snapshots())
        bench.disk.flip(snapshot_path(number), 100, std::byte{1});
    REQUIRE(bench.start());
    REQUIRE(bench.drain() == "");
    CHECK(bench.all() == before);
    const Rows notes = bench.writer->take_notes();
    REQUIRE(notes.size() == 3);
    CHECK(notes.back() == "the writer reads the whole journal again");
}

TEST_CASE("snapshot: a table that was removed or taken back is refused") {
    SnapshotBench bench;
    bench.send_all(1, 12);
    const auto log = bench.disk.list("acme/bus/_delta_log").value();
    REQUIRE(log.size() > 2);
    REQUIRE(bench.disk.remove("acme/bus/_delta_log/" + log.back().name).ok());
    REQUIRE(bench.start());
    CHECK(bench.drain().find("table acme/bus holds less than the writer's snapshot says") !=
          std::string::npos);
    CHECK(bench.writer->fatal());
}

TEST_CASE("snapshot: one of another journal, or of more than the journal holds, is refused") {
    SnapshotBench other;
    other.journal_settings.uuid_if_new[0] = std::byte{8};
    other.disk = {};
    REQUIRE(other.start());
    other.schema(bus());
    REQUIRE(other.drain() == "");

    SnapshotBench bench;
    bench.send_all(1, 3);
    const auto foreign = read_file(other.disk, snapshot_path(other.snapshots()[0]));
    REQUIRE(foreign.ok());
    REQUIRE(replace_file(bench.disk, snapshot_path(99), foreign.value()).ok());
    REQUIRE(bench.start());
    CHECK(bench.drain().find("it is of another journal") != std::string::npos);
    CHECK(bench.writer->fatal());

    SnapshotBench older;
    const auto bytes = read_file(older.disk, segment_path(0, 0));
    older.journal_settings.segment_bytes_max = 1 << 20;
    REQUIRE(older.start());
    older.send_all(1, 3);
    REQUIRE(replace_file(older.disk, segment_path(0, 0), bytes.value()).ok());
    REQUIRE(older.start());
    CHECK(older.drain().find("which is an older copy") != std::string::npos);
    CHECK(older.writer->fatal());
}

TEST_CASE("snapshot: a full disk costs the snapshot and not the rows") {
    SnapshotBench bench;
    bench.settings.snapshot_bytes = 1 << 30;
    bench.settings.snapshot_ms = 1000;
    REQUIRE(bench.start());
    bench.send(1);
    REQUIRE(bench.drain() == "");
    bench.disk.fail_after(1);
    const auto failed = bench.writer->step({1000}, {noon_us});
    if (failed.ok()) CHECK_FALSE(bench.writer->step({1000}, {noon_us}).ok());
    CHECK_FALSE(bench.writer->fatal());
    bench.disk.fail_after(UINT64_MAX);
    bench.send(2);
    bench.writer->request_barrier();
    for (int i = 0; i < 50; ++i) REQUIRE(bench.writer->step({2000}, {noon_us}).ok());
    CHECK(is_full(bench.all(), 2));
    CHECK(bench.writer->counters().snapshots == 0);
    for (int i = 0; i < 50; ++i) REQUIRE(bench.writer->step({70'000}, {noon_us}).ok());
    CHECK(bench.writer->counters().snapshots == 1);
}

TEST_CASE("models: a block that waits does not hold the journal, and is released all the same") {
    for (const std::uint32_t waiting : {1U, 100U}) {
        ModelBench bench;
        bench.settings.snapshot_bytes = 1;
        bench.journal_settings.segment_bytes_max = 200;
        REQUIRE(bench.start());
        bench.begin();
        for (std::uint32_t number = 1; number <= waiting; ++number) bench.send(number);
        const Offset behind = bench.journal->durable_end(0);
        for (std::uint32_t number = 201; number <= 204; ++number) {
            bench.block(bench.maker, bench.sealed(number, codec_columns));
            REQUIRE(bench.drain() == "");
        }
        CHECK(bench.journal->begin(0).value() >= behind);
        REQUIRE(bench.bus().size() == 12);

        // A writer that knows all this from its snapshot.
        REQUIRE(bench.start());
        REQUIRE(bench.drain() == "");
        CHECK(bench.writer->missing_models().size() == 1);
        REQUIRE(bench.work(true));
        for (int starts = 0; starts < 2; ++starts) {
            CHECK(bench.bus().size() == 12 + 3 * waiting);
            CHECK(bench.writer->counters().released == waiting);
            CHECK(bench.writer->missing_models().empty());
            CHECK(bench.writer->releasable().empty());
            REQUIRE(bench.start());
            REQUIRE(bench.work(true));
        }
    }
}
