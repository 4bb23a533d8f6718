// Two collectors on copies of one journal: neither takes the other's commits for its own.
#include <catch2/catch_test_macros.hpp>
#include <functional>

#include "collector/lake/audit_rows.hpp"
#include "collector/writer/entry_mark.hpp"
#include "collector/writer/table_buffer.hpp"
#include "tests/unit/collector/writer/writer_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

constexpr const char* journal_name = "07000000-0000-0000-0000-000000000000";
constexpr const char* is_a_copy = "has rows of another copy of this journal";

const StoredSchema& counts() {
    static const auto schema = counter();
    return *schema;
}

EpochMaker probe(const char* device) {
    EpochMaker epoch{"acme", device, 11, 1};
    epoch.stream(1, "counter", counts());
    return epoch;
}

void send(WriterBench& bench, const EpochMaker& epoch, std::uint32_t first, std::uint32_t last,
          std::int64_t time_us = noon_us, std::vector<std::int64_t> times = {1}) {
    for (std::uint32_t number = first; number <= last; ++number)
        bench.block(epoch, epoch.block(number, count_body(counts(), times)), time_us);
}

// Both have five blocks of the first device in the table; then each goes on by itself.
struct Copies {
    explicit Copies(const std::function<void(WriterBench&)>& set = [](WriterBench&) {}) {
        set(ours);
        set(theirs);
        ours.schema(counts());
        ours.epoch(first);
        send(ours, first, 1, 5);
        LH_CHECK(ours.drain() == "");
        theirs.disk = ours.disk;
        LH_CHECK(theirs.start());
    }

    // One lake: ours is where theirs has taken it.
    void share_lake() {
        LH_CHECK(theirs.drain() == "");
        copy_folder("acme");
        if (theirs.disk.list("globex").ok()) copy_folder("globex");
        LH_CHECK(ours.start());
    }

    void copy_folder(const std::string& folder) {
        LH_CHECK(ours.disk.make_directories(folder).ok());
        const std::vector<DiskEntry> entries = theirs.disk.list(folder).value();
        for (const DiskEntry& entry : entries) {
            const std::string path = folder + "/" + entry.name;
            if (entry.directory) {
                copy_folder(path);
            } else {
                LH_CHECK(replace_file(ours.disk, path, read_file(theirs.disk, path).value()).ok());
            }
        }
    }

    std::string refused() {
        const std::string said = ours.drain();
        CHECK(ours.writer->fatal());
        return said;
    }

    EpochMaker first = probe("probe-0");
    WriterBench ours;
    WriterBench theirs;
};

// One place of the disk cannot be read, as long as nobody needs it but who looks for an entry.
class JournalWithBadPlace final : public Journal {
 public:
    JournalWithBadPlace(Journal& journal, Offset place) : journal_{journal}, place_{place} {}
    const JournalId& id() const override { return journal_.id(); }
    Shard shards() const override { return journal_.shards(); }
    Result<Offset> append(Shard shard, const JournalEntry& entry, MonotonicMs now) override {
        return journal_.append(shard, entry, now);
    }
    MonotonicMs due() const override { return journal_.due(); }
    Status step(MonotonicMs now) override { return journal_.step(now); }
    Status flush() override { return journal_.flush(); }
    Offset durable_end(Shard shard) const override { return journal_.durable_end(shard); }
    Result<Offset> begin(Shard shard) const override { return journal_.begin(shard); }
    Status cut(Shard shard, Offset below) override { return journal_.cut(shard, below); }
    Result<std::unique_ptr<JournalReader>> read(Shard shard, Offset from) override {
        if (from != place_) return journal_.read(shard, from);
        ++failed;
        return Error{ErrorCode::io, "planted"};
    }

    int failed = 0;

 private:
    Journal& journal_;
    Offset place_;
};

// Three blocks are in the table, a fourth only in the journal. Where the third lies.
Offset commit_three(WriterBench& bench) {
    bench.with_snapshots = false;
    const EpochMaker epoch = probe("probe-0");
    bench.schema(counts());
    bench.epoch(epoch);
    send(bench, epoch, 1, 2);
    const Offset third = bench.journal->durable_end(0);
    send(bench, epoch, 3, 3);
    LH_CHECK(bench.drain() == "");
    send(bench, epoch, 4, 4);
    return third;
}

bool says(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("writer: commits of a copy of its journal are not its own, although it reaches as far") {
    for (const bool with_snapshots : {false, true}) {
        // Entries of the same length end at the same offsets, others lie across them.
        for (const bool same_length : {true, false}) {
            CAPTURE(with_snapshots, same_length);
            Copies copies;
            copies.ours.with_snapshots = with_snapshots;
            send(copies.theirs, copies.first, 6, 8);
            send(copies.ours, copies.first, 6, 20, noon_us + 1,
                 same_length ? std::vector<std::int64_t>{1} : std::vector<std::int64_t>{1, 2, 3});
            copies.share_lake();
            const std::string said = copies.refused();
            CHECK(says(said, is_a_copy));
            CHECK(says(said, "table acme/counter "));
            CHECK(copies.ours.rows("acme/counter", {"seq"}) ==
                  copies.theirs.rows("acme/counter", {"seq"}));
        }
    }
}

TEST_CASE("writer: commits of a copy are found out, too, in a table that it needs late") {
    Copies copies;
    const auto other = make_schema("other", TimeKind::source, {field("n", FieldKind::integer)});
    EpochMaker epoch{"acme", "probe-2", 11, 1};
    epoch.stream(1, "other", *other);
    copies.theirs.schema(*other);
    copies.theirs.epoch(epoch);
    copies.theirs.block(epoch, epoch.block(1, count_body(*other, {1})));
    send(copies.ours, copies.first, 6, 20);
    REQUIRE(copies.ours.drain() == "");
    copies.share_lake();  // nothing that ours has needs that table yet
    copies.ours.schema(*other);
    copies.ours.epoch(epoch);
    copies.ours.block(epoch, epoch.block(1, count_body(*other, {1})));
    CHECK(says(copies.refused(), is_a_copy));
}

TEST_CASE("writer: commits of a copy are found out by a snapshot where the journal was cut off") {
    Copies copies{[](WriterBench& bench) {
        bench.journal_settings.segment_bytes_max = 400;
        bench.settings.snapshot_bytes = 1;
    }};
    send(copies.theirs, copies.first, 6, 6);
    const Offset theirs = copies.theirs.journal->durable_end(0);
    // Sent again: they make the journal longer, and no rows.
    while (copies.ours.journal->begin(0).value() <= theirs) {
        send(copies.ours, copies.first, 1, 5);
        REQUIRE(copies.ours.drain() == "");
    }
    copies.share_lake();
    CHECK(says(copies.refused(), is_a_copy));
}

TEST_CASE("writer: and so are those in tables of a tenant that no snapshot names") {
    Copies copies{[](WriterBench& bench) {
        bench.journal_settings.segment_bytes_max = 400;
        bench.settings.snapshot_bytes = 1;
    }};
    const auto other = make_schema("other", TimeKind::source, {field("n", FieldKind::integer)});
    EpochMaker epoch{"globex", "probe-2", 11, 1};
    epoch.stream(1, "other", *other);
    const auto send_other = [&](WriterBench& bench) {
        bench.schema(*other, "globex");
        bench.epoch(epoch);
        bench.block(epoch, epoch.block(1, count_body(*other, {1})));
    };
    send_other(copies.theirs);
    const Offset theirs = copies.theirs.journal->durable_end(0);
    while (copies.ours.journal->begin(0).value() <= theirs) {
        send(copies.ours, copies.first, 1, 5);
        REQUIRE(copies.ours.drain() == "");
    }
    copies.share_lake();
    REQUIRE(copies.ours.drain() == "");
    send_other(copies.ours);  // its device was not told that the other one has it
    CHECK(says(copies.refused(), is_a_copy));
    CHECK(copies.ours.rows("globex/other", {"seq"}).size() == 1);
}

TEST_CASE("writer: what it committed when a snapshot could not be read is its own, too") {
    WriterBench bench{2};
    bench.settings.snapshot_bytes = 1;
    const EpochMaker first = probe("probe-0");
    const EpochMaker second = probe("probe-1");
    for (const Shard shard : {Shard{0}, Shard{1}}) bench.schema(counts(), "acme", shard);
    bench.epoch(first, 0);
    bench.epoch(second, 1);
    const auto send_second = [&](std::uint32_t number) {
        bench.block(second, second.block(number, count_body(counts(), {1})), noon_us, 1);
    };
    send(bench, first, 1, 1);
    send_second(1);
    REQUIRE(bench.drain() == "");
    for (int i = 0; i < 20; ++i) send_second(1);  // no rows
    REQUIRE(bench.drain() == "");
    send(bench, first, 2, 2);

    // From the one before: a row of one shard is committed in the midst of the other.
    const auto newest = snapshot_path(snapshot_numbers(bench.disk).value().front());
    bench.disk.flip(newest, 100, std::byte{1});
    bench.settings.entries_per_step = 3;
    bench.settings.rows_max = 1;
    REQUIRE(bench.start());
    while (bench.writer->counters().commits == 0) REQUIRE(bench.writer->step({0}, {noon_us}).ok());
    bench.disk.flip(newest, 100, std::byte{1});
    REQUIRE(bench.start());
    CHECK(bench.drain() == "");
    CHECK(bench.writer->take_notes() ==
          std::vector<std::string>{"the writer goes on from snapshot " + newest});
    CHECK(bench.rows("acme/counter", {"seq"}).size() == 3);
}

TEST_CASE("writer: a table of its own that no snapshot names yet is no copy's") {
    WriterBench bench{2};
    bench.with_snapshots = false;
    bench.journal_settings.segment_bytes_max = 400;
    const EpochMaker first = probe("probe-0");
    const EpochMaker second = probe("probe-1");
    EpochMaker rare{"globex", "probe-2", 11, 1};
    rare.stream(1, "counter", counts());
    for (const Shard shard : {Shard{0}, Shard{1}}) bench.schema(counts(), "acme", shard);
    bench.epoch(first, 0);
    bench.epoch(second, 1);
    // Long before it comes in the first shard, the second one is at its end.
    send(bench, first, 1, 60);
    bench.block(second, second.block(1, count_body(counts(), {1})), noon_us, 1);
    bench.schema(counts(), "globex");
    bench.epoch(rare);
    send(bench, rare, 1, 1);
    REQUIRE(bench.drain() == "");
    const Offset end = bench.journal->durable_end(1);

    // Read again, with snapshots that cut the second shard meanwhile.
    bench.with_snapshots = true;
    bench.settings.snapshot_bytes = 1;
    bench.settings.entries_per_step = 3;
    bench.settings.rows_max = 1;
    bench.block(second, second.block(2, count_body(counts(), {1})), noon_us, 1);
    REQUIRE(bench.start());
    REQUIRE(bench.drain() == "");
    CHECK(bench.journal->begin(1).value() >= end);
    CHECK(bench.rows("globex/counter", {"seq"}).size() == 1);
}

TEST_CASE("writer: its own commits are its own, wherever it was stopped and what it had read") {
    WriterBench bench{2};
    const EpochMaker first = probe("probe-0");
    const EpochMaker second = probe("probe-1");
    for (const Shard shard : {Shard{0}, Shard{1}}) bench.schema(counts(), "acme", shard);
    bench.epoch(first, 0);
    bench.epoch(second, 1);
    send(bench, first, 1, 3);
    for (std::uint32_t round = 0; round < 4; ++round) {
        CAPTURE(round);
        REQUIRE(bench.drain() == "");
        REQUIRE(bench.start());
        REQUIRE(bench.drain() == "");
        bench.with_snapshots = round % 2 == 0;
        // One shard has rows, of the other nothing is read.
        send(bench, first, 4 + round, 4 + round);
        REQUIRE(bench.start());
    }
    bench.block(second, second.block(1, count_body(counts(), {1})), noon_us, 1);
    REQUIRE(bench.drain() == "");
    const auto audited = audit_rows(*bench.store, "acme/counter");
    REQUIRE(audited.ok());
    CHECK(audited.value().blocks.size() == 8);
    DeltaTable table{*bench.store, "acme/counter"};
    REQUIRE(table.refresh().ok());
    for (const Shard shard : {Shard{0}, Shard{1}}) {
        const auto mark = entry_mark(table.state(), journal_name, shard);
        REQUIRE(mark);
        CHECK(mark->end == bench.journal->durable_end(shard));
        CHECK(find_entry(*bench.journal, shard, *mark) == EntryFound::there);
    }
}

TEST_CASE("writer: an entry that cannot be read any more is no copy's") {
    WriterBench bench;
    const Offset last = commit_three(bench);
    bench.damage(last);
    REQUIRE(bench.start());
    CHECK(bench.drain() == "");
    CHECK(bench.rows("acme/counter", {"seq"}).size() == 4);
}

TEST_CASE("writer: a place that cannot be read now keeps no table from being opened") {
    WriterBench bench;
    const Offset last = commit_three(bench);
    REQUIRE(bench.start());
    JournalWithBadPlace journal{*bench.journal, last};
    bench.writer = std::make_unique<Writer>(journal, *bench.store, bench.keys, bench.settings);
    CHECK(bench.drain() == "");
    CHECK(journal.failed > 0);
    CHECK(bench.rows("acme/counter", {"seq"}).size() == 4);
}

TEST_CASE("entry mark: its version in the log, and what is none") {
    const EntryMark mark{1000, 1234, 0xdeadbeef};
    CHECK(mark.packed() == 694'681'251'280'174'831);
    const auto again = EntryMark::unpack(mark.packed(), 1234);
    REQUIRE(again);
    CHECK(again->offset == 1000);
    CHECK(again->checksum == 0xdeadbeef);
    CHECK_FALSE(EntryMark::unpack(mark.packed(), 1235));  // an older program went on
    CHECK_FALSE(EntryMark::unpack(-1, 1234));
    CHECK_FALSE(EntryMark::unpack(EntryMark{1234, 1234, 0}.packed(), 1234));
    CHECK_FALSE(EntryMark::unpack(EntryMark{0, 16384 + 60, 7}.packed(), 60));  // longer than that
    CHECK(EntryMark{(std::uint64_t{1} << 62), (std::uint64_t{1} << 62) + 65'544, UINT32_MAX}
              .packed() > 0);
}
