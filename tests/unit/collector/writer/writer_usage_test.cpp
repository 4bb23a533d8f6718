// `_usage`: what each device used in an hour is told once, whatever stops the writer and wherever.
#include <catch2/catch_test_macros.hpp>

#include "collector/journal/connection_cost.hpp"
#include "collector/writer/table_columns.hpp"
#include "collector/writer/usage_ledger.hpp"
#include "common/wire/frame.hpp"
#include "tests/unit/collector/writer/writer_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

using Rows = std::vector<std::string>;

constexpr std::int64_t minute_us = 60'000'000;
constexpr std::int64_t hour_us = 60 * minute_us;

Rows names_of(const std::vector<Column>& columns) {
    Rows names;
    for (const Column& column : columns) names.push_back(column.name);
    return names;
}

const Rows columns = names_of(usage_columns());

// Two devices, and what they must be told to have used.
struct UsageBench : WriterBench {
    std::unique_ptr<StoredSchema> bus = make_schema(
        "bus", TimeKind::source, {field("n", FieldKind::integer), field("note", FieldKind::text)});
    EpochMaker one{"acme", "one", 11, 1};
    EpochMaker two{"acme", "two", 11, 1};
    std::map<std::pair<std::string, std::int64_t>, Usage> used;  // by device and hour

    UsageBench() {
        journal_settings.segment_bytes_max = 400;
        settings.snapshot_bytes = 1;
        settings.entries_per_step = 2;
        one.stream(1, "bus", *bus);
        two.stream(1, "bus", *bus);
        schema(*bus);
    }
    void begin(const EpochMaker& maker, std::int64_t time_us) {
        append(JournalKind::epoch, "acme", maker.record.device, maker.signed_record(), time_us);
        of(maker, time_us).received_bytes += frame_header_bytes + maker.signed_record().size();
    }
    // `counted_us`: of the hour that it counts for, if that is another one.
    void send(const EpochMaker& maker, std::uint32_t number, std::int64_t time_us,
              bool again = false, std::optional<std::int64_t> counted_us = {}) {
        Body body;
        body.samples(1, *bus, {number, number + 1},
                     {{Value::of_integer(number), Value{}},
                      {Value::of_text(as_bytes("abc")), Value::of_text(as_bytes("de"))}});
        const auto sealed = maker.block(number, body);
        block(maker, sealed, time_us);
        Usage& usage = of(maker, counted_us.value_or(time_us));
        usage.received_bytes += frame_header_bytes + sealed.size();
        ++usage.blocks;
        usage.duplicate_blocks += again ? 1 : 0;
        if (again) return;
        usage.sealed_bytes += sealed.size();
        usage.samples += 2;
        usage.decoded_bytes += 2 * 8 + 8 + 5;  // times, one number, both texts
    }
    // Its counts are of three sizes, so that none can be taken for another one.
    void connected(const char* device, std::uint64_t ms, std::int64_t time_us,
                   std::optional<std::int64_t> counted_us = {}) {
        std::array<std::byte, connection_cost_bytes_max> room;
        ByteWriter body{room};
        write_connection_cost({ms, {100 * ms, 7 * ms}, true}, body);
        append(JournalKind::connection, "acme", device, body.written(), time_us);
        Usage& usage = used[{device, counted_us.value_or(time_us) / hour_us * hour_us}];
        usage.connected_ms += ms;
        usage.wire_received_bytes += 100 * ms;
        usage.wire_sent_bytes += 7 * ms;
    }
    Usage& of(const EpochMaker& maker, std::int64_t time_us) {
        return used[{maker.record.device, time_us / hour_us * hour_us}];
    }
    // Of the hours that are over when something comes at this time.
    Rows expected(std::int64_t now_us) const {
        Rows rows;
        for (const auto& [key, usage] : used) {
            if (key.second + hour_us > now_us) continue;
            const std::int64_t hour = 12 + (key.second - noon_us) / hour_us;  // of that day
            std::string row = key.first + "|2026-11-21 " + std::to_string(hour) + ":00:00.000000Z";
            for (const std::uint64_t count :
                 {usage.received_bytes, usage.blocks, usage.duplicate_blocks, usage.sealed_bytes,
                  usage.samples, usage.decoded_bytes, usage.connected_ms, usage.wire_received_bytes,
                  usage.wire_sent_bytes})
                row += "|" + std::to_string(count);
            rows.push_back(row);
        }
        std::sort(rows.begin(), rows.end());
        return rows;
    }
    Rows told() { return rows("acme/_usage", columns); }

    void first_hours() {
        begin(one, noon_us);
        send(one, 1, noon_us);
        connected("one", 1500, noon_us + minute_us);
        begin(two, noon_us + 59 * minute_us);
        send(two, 1, noon_us + 59 * minute_us);
        send(one, 1, noon_us + 60 * minute_us, true);
        send(one, 2, noon_us + 61 * minute_us);
        send(two, 2, noon_us + 30 * minute_us, false, noon_us + hour_us);  // the clock was set back
        connected("two", 40, noon_us + 31 * minute_us, noon_us + hour_us);
        connected("three", 600'000, noon_us + 62 * minute_us);  // and sent nothing
    }
    void later_hours() {
        send(two, 3, noon_us + 119 * minute_us);
        connected("three", 600'000, noon_us + 119 * minute_us);
        connected("three", 7, noon_us + 180 * minute_us);
        send(one, 3, noon_us + 300 * minute_us);
        send(two, 3, noon_us + 301 * minute_us, true);
        send(two, 4, noon_us + 361 * minute_us);
    }
};

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

}  // namespace

TEST_CASE("usage: an hour's rows come with the first entry of a later one") {
    UsageBench bench;
    bench.send(bench.one, 9, noon_us);  // without a record: received, and in quarantine
    Usage& first = bench.of(bench.one, noon_us);
    const std::uint64_t received = first.received_bytes;
    first = {};
    first.received_bytes = received;
    first.blocks = 1;
    bench.first_hours();
    REQUIRE(work(bench));
    CHECK(bench.told() == bench.expected(noon_us + hour_us));
    bench.later_hours();
    REQUIRE(work(bench));
    const Rows expected = bench.expected(noon_us + 361 * minute_us);
    CHECK(expected.size() == 8);
    CHECK(bench.told() == expected);
}

TEST_CASE("usage: a crash neither doubles nor loses a row, wherever the disk fails") {
    std::uint64_t failures = 0;
    for (std::uint64_t step = 1;; ++step) {
        UsageBench cut;
        cut.settings.rows_max = 3;
        REQUIRE(cut.start());
        cut.first_hours();
        REQUIRE(work(cut));
        cut.later_hours();
        cut.disk.fail_after(step);
        const bool done = work(cut);
        CAPTURE(step);
        WriterBench bench;
        bench.settings = cut.settings;
        bench.journal_settings = cut.journal_settings;
        bench.disk = cut.disk;
        bench.disk.cut_power(nullptr);
        REQUIRE(bench.start());
        INFO(bench.drain());
        REQUIRE(work(bench));
        REQUIRE(bench.rows("acme/_usage", columns) == cut.expected(noon_us + 361 * minute_us));
        if (done) break;
        ++failures;
    }
    CHECK(failures > 30);
}

TEST_CASE("usage: a snapshot knows the hour that is going on, and refuses what is none") {
    UsageLedger ledger;
    REQUIRE_FALSE(ledger.reach({noon_us}));
    ledger.of("acme", "one") = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    ledger.of("acme", "two").received_bytes = UINT64_MAX;
    UsageLedger copy;
    std::vector<std::vector<std::byte>> items;
    ledger.encode([&](const ByteSink& item) {
        items.emplace_back(item.written().begin(), item.written().end());
    });
    for (const auto& item : items) {
        ByteReader in{item};
        REQUIRE(copy.take(in).ok());
    }
    ByteReader again{items.back()};
    CHECK(copy.take(again).error().code == ErrorCode::malformed);
    ByteReader cut{Bytes{items.back()}.first(items.back().size() - 1)};
    CHECK_FALSE(UsageLedger{}.take(cut).ok());

    CHECK_FALSE(copy.reach({noon_us + 59 * minute_us}));
    const auto ended = copy.reach({noon_us + hour_us});
    REQUIRE(ended);
    CHECK(ended->hour == WallUs{noon_us});
    CHECK(ended->devices.at({"acme", "one"}) == Usage{1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(ended->devices.at({"acme", "two"}).received_bytes == UINT64_MAX);
    CHECK_FALSE(copy.reach({noon_us - 10 * hour_us}));
}

TEST_CASE("usage: a snapshot of version 3 is taken up, and says nothing of connections") {
    UsageBench bench;
    bench.settings.snapshot_bytes = 1 << 20;
    REQUIRE(bench.start());
    bench.begin(bench.one, noon_us);
    bench.send(bench.one, 1, noon_us);
    bench.settings.snapshot_bytes = 1;
    REQUIRE(bench.start());
    REQUIRE(work(bench));
    const auto numbers = snapshot_numbers(bench.disk).value();
    REQUIRE(numbers.size() == 1);
    const std::string path = snapshot_path(numbers[0]);

    // The same, as that version wrote it.
    SnapshotHead head = parse_snapshot_head(read_file(bench.disk, path).value()).value();
    CHECK(head.version == 5);
    head.version = 3;
    auto older = SnapshotWriter::begin(bench.disk.create("older").value(), head, sealing_key());
    std::size_t devices = 0;
    std::size_t facts = 0;
    const auto file = bench.disk.open(path).value();
    REQUIRE(read_snapshot(*file, sealing_key(), [&](std::uint8_t kind, Bytes content) {
                const bool of_usage = kind == static_cast<std::uint8_t>(SnapshotItem::usage);
                const bool of_device =
                    of_usage && as_text(content).find("one") != std::string::npos;
                devices += of_device ? 1 : 0;
                const bool of_facts = kind == static_cast<std::uint8_t>(SnapshotItem::facts);
                facts += of_facts ? 1 : 0;
                // No connection: three zeros at its end, and two.
                const std::size_t less = of_device ? 3 : of_facts ? 2 : 0;
                return older.value().put(kind, content.first(content.size() - less));
            }).ok());
    CHECK(devices == 1);
    CHECK(facts == 1);
    REQUIRE(older.value().finish().ok());
    REQUIRE(bench.disk.rename("older", path).ok());
    REQUIRE(bench.disk.sync_directory("snapshots").ok());

    REQUIRE(bench.start());
    bench.connected("one", 1500, noon_us + minute_us);
    bench.connected("one", 1, noon_us + hour_us);
    REQUIRE(work(bench));
    CHECK(bench.writer->take_notes()[0] == "the writer goes on from snapshot " + path);
    CHECK(bench.told() == bench.expected(noon_us + hour_us));
}

TEST_CASE("usage: a table of before gets the columns, and its rows have nothing there") {
    UsageBench bench;
    std::vector<Column> older_columns = usage_columns();
    older_columns.resize(usage_connected);
    TableBuffer older{*bench.store, "acme/_usage", "07000000-0000-0000-0000-000000000000",
                      older_columns, false};
    REQUIRE(older.open(std::vector<Offset>{bench.journal->durable_end(0)}, {}).ok());
    Batch& batch = older.batch(0, "2026-11-21", 0);
    batch.begin_rows(1);
    batch.put_text(usage_device, "one");
    batch.put_integer(usage_hour, noon_us - hour_us);
    for (std::size_t column = usage_received_bytes; column < usage_connected; ++column)
        batch.put_integer(column, 1);
    batch.end_row();
    REQUIRE(older.write_one_file({{}}).ok());
    REQUIRE(older.commit({{}}, {noon_us}).ok());

    REQUIRE(bench.start());
    bench.connected("one", 1500, noon_us);
    bench.connected("one", 1, noon_us + hour_us);
    REQUIRE(work(bench));
    Rows expected = bench.expected(noon_us + hour_us);
    expected.insert(expected.begin(), "one|2026-11-21 11:00:00.000000Z|1|1|1|1|1|1|||");
    CHECK(bench.told() == expected);
}

TEST_CASE("usage: a connection is no word of its device") {
    UsageBench bench;
    bench.begin(bench.one, noon_us);
    bench.connected("one", 1500, noon_us + hour_us);
    bench.connected("three", 1500, noon_us + hour_us);
    REQUIRE(work(bench));
    const auto survey = bench.writer->survey("");
    REQUIRE(survey);
    REQUIRE(survey->devices.size() == 1);
    CHECK(survey->devices[0].facts.last_heard == WallUs{noon_us});
}

TEST_CASE("usage: what a later version says of a connection stops the writer") {
    for (const std::string_view body : {std::string_view{"\1\2\3", 3},         // no flags
                                        std::string_view{"\1\2\3\2", 4},       // no blocks
                                        std::string_view{"\1\2\3\4", 4},       // an unknown one
                                        std::string_view{"\1\2\3\1\0", 5}}) {  // and more
        CAPTURE(body.size());
        UsageBench bench;
        bench.append(JournalKind::connection, "acme", "one", as_bytes(body));
        CHECK(bench.drain().find("kind 7") != std::string::npos);
        CHECK(bench.writer->fatal());
    }
}
