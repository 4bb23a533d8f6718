// `_usage`: what each device used in an hour is told once, whatever stops the writer and wherever.
#include <catch2/catch_test_macros.hpp>

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

const Rows columns{"device",           "hour",         "received_bytes", "blocks",
                   "duplicate_blocks", "sealed_bytes", "samples",        "decoded_bytes"};

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
                  usage.samples, usage.decoded_bytes})
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
        begin(two, noon_us + 59 * minute_us);
        send(two, 1, noon_us + 59 * minute_us);
        send(one, 1, noon_us + 60 * minute_us, true);
        send(one, 2, noon_us + 61 * minute_us);
        send(two, 2, noon_us + 30 * minute_us, false, noon_us + hour_us);  // the clock was set back
    }
    void later_hours() {
        send(two, 3, noon_us + 119 * minute_us);
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
    first = {first.received_bytes, 1, 0, 0, 0, 0};
    bench.first_hours();
    REQUIRE(work(bench));
    CHECK(bench.told() == bench.expected(noon_us + hour_us));
    bench.later_hours();
    REQUIRE(work(bench));
    const Rows expected = bench.expected(noon_us + 361 * minute_us);
    CHECK(expected.size() == 6);
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
    ledger.of("acme", "one") = {1, 2, 3, 4, 5, 6};
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
    CHECK(ended->devices.at({"acme", "one"}) == Usage{1, 2, 3, 4, 5, 6});
    CHECK(ended->devices.at({"acme", "two"}).received_bytes == UINT64_MAX);
    CHECK_FALSE(copy.reach({noon_us - 10 * hour_us}));
}
