// Replay: whatever stops the writer and wherever, rows are in the tables once.
#include <catch2/catch_test_macros.hpp>

#include "collector/journal/segment.hpp"
#include "collector/lake/audit_rows.hpp"
#include "tests/unit/collector/writer/writer_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

using Rows = std::vector<std::string>;

std::unique_ptr<StoredSchema> schema_named(const char* name, TimeKind time = TimeKind::source) {
    return make_schema(name, time, {field("n", FieldKind::integer)});
}

std::vector<Value> integers(std::size_t count) {
    std::vector<Value> values;
    for (std::size_t i = 0; i < count; ++i)
        values.push_back(Value::of_integer(static_cast<std::int64_t>(i)));
    return values;
}

struct Entry {
    Shard shard;
    JournalKind kind;
    std::string device;
    std::vector<std::byte> body;
};

// Two shards of everything that makes rows: two tables, two devices, anchors, a power cut, a
// duplicate, a block for quarantine.
std::vector<Entry> make_entries() {
    std::vector<Entry> entries;
    const auto bus = schema_named("bus");
    const auto port = schema_named("port", TimeKind::device);
    for (const Shard shard : {Shard{0}, Shard{1}}) {
        const std::string device = "probe-" + std::to_string(shard);
        const auto add = [&](JournalKind kind, Bytes body) {
            entries.push_back({shard, kind, device, {body.begin(), body.end()}});
        };
        add(JournalKind::schema, bus->encoded());
        add(JournalKind::schema, port->encoded());
        for (std::uint32_t number = 1; number <= 2 - shard; ++number) {
            EpochMaker epoch{"acme", device.c_str(), 11, number};
            epoch.stream(1, "bus", *bus).stream(2, "port", *port);
            epoch.record.previous_epoch = number - 1;
            epoch.record.previous_ends_count = 1;
            epoch.record.previous_ends[0] = {2, 3, 1000};
            add(JournalKind::epoch, epoch.signed_record());
            for (std::uint32_t block = 1; block <= 3; ++block) {
                Body body;
                body.samples(1, *bus, {1, 2}, {integers(2)})
                    .samples(2, *port, {block * 1000}, {integers(1)});
                if (block == 2) body.anchor(0, noon_us, 100);
                add(JournalKind::block, epoch.block(block, body));
                if (block == 2) entries.push_back(entries.back());
            }
            add(JournalKind::block, epoch.block(4, Body{}, 1));
        }
    }
    return entries;
}

void fill(WriterBench& bench) {
    static const std::vector<Entry> entries = make_entries();
    REQUIRE(bench.start());
    for (const Entry& entry : entries) {
        const JournalEntry made{{noon_us}, entry.kind, "acme", entry.device, entry.body};
        REQUIRE(bench.journal->append(entry.shard, made, {0}).ok());
    }
    REQUIRE(bench.journal->flush().ok());
}

// Everything in the lake that may not depend on when the writer was stopped.
Rows everything(WriterBench& bench) {
    Rows all;
    const auto add = [&](const std::string& table, std::vector<std::string> columns) {
        for (const std::string& row : bench.rows("acme/" + table, columns))
            all.push_back(table + " " + row);
    };
    for (const char* table : {"bus", "port"}) {
        add(table, {"device", "stream", "epoch", "seq", "row", "event_time", "anchor",
                    "time_error_us", "n"});
    }
    add("_epochs", {"device", "epoch", "previous_epoch"});
    add("_anchors", {"device", "epoch", "anchor", "elapsed_us", "wall_us", "error_us", "origin"});
    add("_losses", {"device", "epoch", "class", "first_seq", "reason"});
    add("_quarantine", {"device", "epoch", "seq", "reason", "shard", "offset"});
    return all;
}

// Works until done or the disk fails; with small steps, so that there are several barriers.
bool work(WriterBench& bench) {
    std::int64_t now = 0;
    for (int steps = 0; steps < 10'000; ++steps) {
        bench.writer->request_barrier();
        if (!bench.writer->step({now += 10}, {noon_us}).ok()) return false;
        if (bench.writer->drained()) return true;
    }
    FAIL("the writer does not come to an end");
    return false;
}

WriterSettings small_steps() {
    WriterSettings settings;
    settings.entries_per_step = 2;
    settings.rows_max = 18;
    return settings;
}

}  // namespace

TEST_CASE(
    "writer: wherever the disk fails and the writer starts again, the tables end up the same") {
    WriterBench whole{2};
    fill(whole);
    REQUIRE(whole.drain() == "");
    const Rows expected = everything(whole);
    REQUIRE(expected.size() == 3 * (3 * 3 + 1 + 2 + 1) + 1);  // three epochs, one after another

    std::uint64_t failures = 0;
    for (std::uint64_t step = 1;; ++step) {
        WriterBench cut{2};
        cut.settings = small_steps();
        fill(cut);
        cut.disk.fail_after(step);
        const bool done = work(cut);
        for (const bool torn : {false, true}) {
            CAPTURE(step, torn);
            std::mt19937_64 random{step};
            WriterBench bench{2};  // and other settings, so that its commits are cut elsewhere
            bench.disk = cut.disk;
            bench.disk.cut_power(torn ? &random : nullptr);
            REQUIRE(bench.start());
            REQUIRE(work(bench));
            REQUIRE(everything(bench) == expected);
        }
        if (done) break;
        ++failures;
    }
    INFO(failures);
    CHECK(failures > 100);
}

TEST_CASE("writer: after a failed write the same writer goes on where it was") {
    WriterBench whole{2};
    fill(whole);
    REQUIRE(whole.drain() == "");
    const Rows expected = everything(whole);
    for (std::uint64_t step = 1;; step += 3) {
        CAPTURE(step);
        WriterBench bench{2};
        bench.settings = small_steps();
        fill(bench);
        bench.disk.fail_after(step);
        const bool done = work(bench);
        CHECK_FALSE(bench.writer->fatal());
        bench.disk.fail_after(UINT64_MAX);
        REQUIRE(work(bench));
        REQUIRE(everything(bench) == expected);
        if (done) break;
    }
}

TEST_CASE("writer: another program's commits between its own cost nothing but a retry") {
    WriterBench bench{2};
    bench.settings = small_steps();
    fill(bench);
    std::int64_t now = 0;
    int foreign = 0;
    while (!bench.writer->drained() || foreign == 0) {
        DeltaTable seen{*bench.store, "acme/bus"};
        REQUIRE(seen.refresh().ok());
        if (seen.state().version >= 0 && foreign < 3) {
            char path[64];
            std::snprintf(path, sizeof(path), "acme/bus/_delta_log/%020d.json",
                          static_cast<int>(seen.state().version) + 1);
            REQUIRE(
                bench.store
                    ->put_if_absent(path, as_bytes("{\"commitInfo\":{\"operation\":\"theirs\"}}\n"))
                    .ok());
            ++foreign;
        }
        bench.writer->request_barrier();
        REQUIRE(bench.writer->step({now += 10}, {noon_us}).ok());
    }
    WriterBench whole{2};
    fill(whole);
    REQUIRE(whole.drain() == "");
    CHECK(foreign == 3);
    CHECK(everything(bench) == everything(whole));
}

TEST_CASE("writer: each commit names the place in the journal that it reaches") {
    WriterBench bench{2};
    fill(bench);
    REQUIRE(bench.drain() == "");
    for (const char* table : {"acme/bus", "acme/_losses"}) {
        const auto audited = audit_rows(*bench.store, "acme/bus");
        REQUIRE(audited.ok());
        CAPTURE(table);
        REQUIRE(audited.value().txns.size() == 4);
        for (const auto& [app, version] : audited.value().txns) {
            if (app.ends_with("/entry")) continue;
            CHECK(app.starts_with("07000000-0000-0000-0000-000000000000/"));
            const Shard shard = app.ends_with("/1") ? 1 : 0;
            CHECK(version == static_cast<std::int64_t>(bench.journal->durable_end(shard)));
        }
    }
    const auto audited = audit_rows(*bench.store, "acme/bus");
    CHECK(audited.value().blocks.size() == 9);
    for (const auto& [block, rows] : audited.value().blocks) {
        CHECK(rows.rows == 2);
        CHECK(rows.duplicates == 0);
    }
}

TEST_CASE("writer: a lake that is ahead of its journal, or of another one, is refused") {
    struct Case {
        const char* what;
        std::byte uuid;
        const char* text;
    };
    // For any table, and before it takes anything.
    const Case cases[] = {
        {"rolled back", std::byte{7}, "denied: it holds rows from behind the end of this journal"},
        {"another journal", std::byte{8}, "the journal is new, and table acme/"}};
    for (const Case& each : cases) {
        CAPTURE(each.what);
        WriterBench full{2};
        fill(full);
        REQUIRE(full.drain() == "");
        const Rows before = everything(full);
        REQUIRE(full.disk.remove("journal.meta").ok());
        for (const Shard shard : {Shard{0}, Shard{1}}) {
            const std::string folder = "shard-000" + std::to_string(shard);
            const auto segments = full.disk.list(folder);
            REQUIRE(segments.ok());
            for (const DiskEntry& segment : segments.value()) {
                REQUIRE(full.disk.remove(folder + "/" + segment.name).ok());
            }
        }
        full.journal_settings.uuid_if_new[0] = each.uuid;
        REQUIRE(full.start());
        const auto opened = full.writer->open();
        REQUIRE(!opened.ok());
        CHECK(opened.error().text.find(each.text) != std::string::npos);
        CHECK(opened.error().text.find("table acme/") != std::string::npos);
        const auto bus = schema_named("bus");
        EpochMaker epoch{"acme", "probe-0", 11, 1};
        epoch.stream(1, "bus", *bus);
        full.schema(*bus);
        full.epoch(epoch);
        CHECK(full.drain() == opened.error().text);
        CHECK(full.writer->fatal());
        CHECK(everything(full) == before);
    }
}

TEST_CASE(
    "writer: an older copy of the journal is refused also when it has grown before it is read") {
    WriterBench bench;
    const auto bus = schema_named("bus");
    EpochMaker epoch{"acme", "probe-0", 11, 1};
    epoch.stream(1, "bus", *bus);
    bench.schema(*bus);
    bench.epoch(epoch);
    const std::string segment = segment_path(0, 0);
    const auto older = read_file(bench.disk, segment);
    REQUIRE(older.ok());
    const auto add_block = [&](std::uint32_t number) {
        bench.block(epoch, epoch.block(number, Body{}.samples(1, *bus, {1}, {integers(1)})));
    };
    for (std::uint32_t number = 1; number <= 20; ++number) add_block(number);
    REQUIRE(bench.drain() == "");

    REQUIRE(replace_file(bench.disk, segment, older.value()).ok());
    REQUIRE(bench.start());
    for (std::uint32_t number = 21; number <= 60; ++number) add_block(number);
    CHECK(bench.drain().find("an older copy") != std::string::npos);
    CHECK(bench.writer->fatal());
}

TEST_CASE("writer: a shard that is read again slower than another gives no row twice") {
    WriterBench bench{2};
    const auto bus = schema_named("bus");
    const auto block_of = [&](const EpochMaker& epoch, std::uint32_t number) {
        return epoch.block(number, Body{}.samples(1, *bus, {1}, {integers(1)}));
    };
    EpochMaker epochs[] = {{"acme", "probe-0", 11, 1}, {"acme", "probe-1", 11, 1}};
    for (const Shard shard : {Shard{0}, Shard{1}}) {
        epochs[shard].stream(1, "bus", *bus);
        bench.schema(*bus, "acme", shard);
        bench.epoch(epochs[shard], shard);
    }
    for (std::uint32_t number = 1; number <= 20; ++number)
        bench.block(epochs[1], block_of(epochs[1], number), noon_us, 1);
    REQUIRE(bench.drain() == "");

    // A new row of shard 0 is due at once, long before the replay of shard 1 is at its end.
    bench.block(epochs[0], block_of(epochs[0], 1));
    bench.settings.rows_max = 1;
    bench.settings.entries_per_step = 3;
    REQUIRE(bench.start());
    REQUIRE(bench.drain() == "");
    const auto audited = audit_rows(*bench.store, "acme/bus");
    REQUIRE(audited.ok());
    CHECK(audited.value().blocks.size() == 21);
    for (const auto& [block, rows] : audited.value().blocks) CHECK(rows.duplicates == 0);
    CHECK(audited.value().txns.at("07000000-0000-0000-0000-000000000000/1") ==
          static_cast<std::int64_t>(bench.journal->durable_end(1)));
}

TEST_CASE("writer: it stops, and says which, when it lacks a sealing key") {
    WriterBench bench;
    const auto bus = schema_named("bus");
    EpochMaker epoch{"acme", "probe-0", 11, 1, sealing_key(2)};
    epoch.stream(1, "bus", *bus);
    bench.schema(*bus);
    bench.epoch(epoch);
    bench.block(epoch, epoch.block(1, Body{}.samples(1, *bus, {1}, {integers(1)})));
    const std::string error = bench.drain();
    CHECK(error.find("device probe-0 uses is missing") != std::string::npos);
    CHECK(bench.writer->fatal());

    // Once the key is back, nothing is missing.
    REQUIRE(bench.keys.add(sealing_key(2)).ok());
    REQUIRE(bench.start());
    REQUIRE(bench.drain() == "");
    CHECK(bench.rows("acme/bus", {"n"}) == Rows{"0"});
}

TEST_CASE("writer: it stops at an entry of a later version instead of going on without") {
    WriterBench bench;
    bench.append(static_cast<JournalKind>(8), "acme", "", as_bytes("of tomorrow"));
    CHECK(bench.drain().find("kind 8 at offset 0 that this version does not know") !=
          std::string::npos);
    CHECK(bench.writer->fatal());
}

TEST_CASE("writer: a damaged entry costs itself alone") {
    WriterBench bench;
    const auto bus = schema_named("bus");
    EpochMaker epoch{"acme", "probe-0", 11, 1};
    epoch.stream(1, "bus", *bus);
    bench.schema(*bus);
    bench.epoch(epoch);
    const Offset begin = bench.journal->durable_end(0);
    for (std::uint32_t block = 1; block <= 3; ++block) {
        bench.block(epoch, epoch.block(block, Body{}.samples(1, *bus, {1}, {integers(1)})));
    }
    bench.damage(begin);
    REQUIRE(bench.start());
    REQUIRE(bench.drain() == "");
    CHECK(bench.rows("acme/bus", {"seq"}).size() == 2);
    CHECK(bench.writer->counters().damaged == 1);
}

TEST_CASE("writer: a commit comes at its time, or when there is enough for one") {
    const auto bus = schema_named("bus");
    EpochMaker epoch{"acme", "probe-0", 11, 1};
    epoch.stream(1, "bus", *bus);
    const auto commits_after = [&](const WriterSettings& settings, std::int64_t now) {
        WriterBench bench;
        bench.settings = settings;
        bench.schema(*bus);
        bench.epoch(epoch);
        for (std::uint32_t block = 1; block <= 3; ++block) {
            bench.block(epoch, epoch.block(block, Body{}.samples(1, *bus, {1, 2}, {integers(2)})));
        }
        (void)bench.writer->step({0}, {noon_us}).ok();
        for (int i = 0; i < 20; ++i) (void)bench.writer->step({now}, {noon_us}).ok();
        return bench.writer->counters().commits;
    };
    WriterSettings settings;
    CHECK(commits_after(settings, settings.commit_interval_ms - 1) == 0);
    CHECK(commits_after(settings, settings.commit_interval_ms) == 2);
    settings.rows_max = 4;
    CHECK(commits_after(settings, 0) == 2);
    settings = {};
    settings.bytes_max = 100;
    CHECK(commits_after(settings, 0) == 2);
}
