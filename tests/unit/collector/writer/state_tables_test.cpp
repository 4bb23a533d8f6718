// What the writer knows of devices, and the tables that say how they are now.
#include <catch2/catch_test_macros.hpp>

#include "collector/journal/connection_cost.hpp"
#include "collector/lake/loss_runs.hpp"
#include "collector/lake/state_table.hpp"
#include "collector/writer/state_tables.hpp"
#include "tests/unit/collector/writer/writer_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

using Rows = std::vector<std::string>;

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t hour_us = 3600 * second_us;

struct StateBench : WriterBench {
    std::unique_ptr<StoredSchema> bus = counter();
    EpochMaker maker{"acme", "probe-1", 11, 1};

    StateBench() {
        settings.snapshot_bytes = 1;
        maker.stream(1, "bus", *bus);
        std::strcpy(maker.record.firmware, "probe 7");
        maker.record.clock_state = 2;
        schema(*bus);
        epoch(maker);
    }
    void send(std::uint32_t number, std::int64_t time_us = noon_us) {
        block(maker, maker.block(number, count_body(*bus, {1})), time_us);
    }
    // The device lists numbers as lost; a carrier of the epoch tells it.
    void lose(std::uint32_t carrier, std::uint32_t first, std::uint32_t last) {
        longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
        entry.which_entry = longhaul_SystemEntry_loss_tag;
        entry.entry.loss.epoch = 1;
        entry.entry.loss.first_seq = BlockSeq::of(BlockClass::normal, first).value;
        entry.entry.loss.last_seq = BlockSeq::of(BlockClass::normal, last).value;
        entry.entry.loss.reason = longhaul_LossReason_LOSS_REASON_FULL;
        block(maker, maker.block(carrier, Body{}.system(entry)), noon_us);
    }
    // The first part of what a session cost, which began so long before, or a later part.
    void connected(std::int64_t time_us, std::uint64_t ms, std::optional<std::uint32_t> backlog,
                   const char* device = "probe-1") {
        std::array<std::byte, connection_cost_bytes_max> room;
        ByteWriter body{room};
        write_connection_cost({ms, {1, 1}, false, backlog}, body);
        append(JournalKind::connection, "acme", device, body.written(), time_us);
    }
    StateTables tables() {
        return {*store, [this](const std::string& after) {
                    return Result<std::optional<TenantSurvey>>{writer->survey(after)};
                }};
    }
    Rows gaps() {
        return rows("acme/_gaps", {"class", "first_seq", "last_seq", "blocks", "age_s"});
    }
};

std::string normal(std::uint32_t first, std::uint32_t last, std::int64_t age_s) {
    const auto seq = [](std::uint32_t number) {
        return std::to_string(BlockSeq::of(BlockClass::normal, number).value);
    };
    return "2|" + seq(first) + "|" + seq(last) + "|" + std::to_string(last - first + 1) + "|" +
           std::to_string(age_s);
}

}  // namespace

TEST_CASE("device facts: a rhythm is the second longest of the last pauses, and one outage none") {
    DeviceFacts facts;
    std::int64_t now = noon_us;
    const auto pause = [&](std::int64_t seconds) { facts.heard({now += seconds * second_us}); };
    pause(0);
    CHECK(facts.rhythm_s() == 300);
    for (int i = 0; i < 20; ++i) pause(60);
    CHECK(facts.rhythm_s() == 300);
    CHECK_FALSE(facts.is_silent({now + 900 * second_us}));
    CHECK(facts.is_silent({now + 901 * second_us}));
    pause(86'400);  // an outage of a day
    pause(600);
    CHECK(facts.rhythm_s() == 600);
    for (int i = 0; i < 8; ++i) pause(3600);
    CHECK(facts.rhythm_s() == 3600);
    facts.heard({noon_us});  // a clock that was set back
    CHECK(facts.last_heard == WallUs{now});
    CHECK(facts.first_heard == WallUs{noon_us});
}

TEST_CASE("state tables: devices and gaps, which grow old, shrink and go") {
    StateBench bench;
    for (const std::uint32_t number : {1U, 2U, 6U, 9U}) bench.send(number);
    REQUIRE(bench.drain() == "");
    StateTables tables = bench.tables();
    const auto replace = [&](std::int64_t seconds) {
        const auto done = tables.replace_all({noon_us + seconds * second_us});
        INFO((done.ok() ? "" : done.error().text));
        REQUIRE(done.ok());
    };
    replace(10);
    CHECK(bench.gaps() == Rows{normal(3, 5, 0), normal(7, 8, 0)});
    const Rows columns{"device", "silence_s", "rhythm_s",    "silent", "incarnation",
                       "epoch",  "firmware",  "clock_state", "gaps",   "awaited_blocks"};
    CHECK(bench.rows("acme/_devices", columns) == Rows{"probe-1|10|300|false|11|1|probe 7|2|2|5"});

    bench.send(4);
    bench.send(7);
    bench.lose(10, 8, 8);
    REQUIRE(bench.drain() == "");
    replace(1010);
    CHECK(bench.gaps() == Rows{normal(3, 3, 1000), normal(5, 5, 1000)});
    CHECK(bench.rows("acme/_devices", columns) == Rows{"probe-1|1010|300|true|11|1|probe 7|2|2|2"});
    CHECK(tables.counts().silent == 1);
    CHECK(tables.counts().oldest_gap_s == 1000);

    bench.send(3, noon_us + hour_us);
    bench.send(5, noon_us + hour_us);
    REQUIRE(bench.drain() == "");
    replace(3610);
    CHECK(bench.gaps().empty());
    CHECK(bench.rows("acme/_devices", columns) == Rows{"probe-1|10|3600|false|11|1|probe 7|2|0|0"});
    DeltaTable devices{*bench.store, "acme/_devices"};
    REQUIRE(devices.refresh().ok());
    CHECK(devices.state().files.size() == 1);
    CHECK(devices.state().removed.size() == 2);
}

TEST_CASE("state tables: what a device had to send when it last connected") {
    StateBench bench;
    bench.send(1);
    const Rows columns{"device", "backlog_blocks", "backlog_time"};
    const auto told = [&] {
        REQUIRE(bench.drain() == "");
        REQUIRE(bench.tables().replace_all({noon_us + 10 * hour_us}).ok());
        return bench.rows("acme/_devices", columns);
    };
    CHECK(told() == Rows{"probe-1||"});
    bench.connected(noon_us + hour_us, 60'000, 70);
    bench.connected(noon_us, 0, 9, "never-heard");
    CHECK(told() == Rows{"probe-1|70|2026-11-21 12:59:00.000000Z"});
    bench.connected(noon_us + 2 * hour_us, 1000, std::nullopt);  // a later part of it
    CHECK(told() == Rows{"probe-1|70|2026-11-21 12:59:00.000000Z"});
    bench.connected(noon_us + 2 * hour_us, 1000, 0);
    CHECK(told() == Rows{"probe-1|0|2026-11-21 13:59:59.000000Z"});
    // One that began before it, and lasted longer.
    bench.connected(noon_us + 2 * hour_us + second_us, 3'600'000, 4);
    CHECK(told() == Rows{"probe-1|0|2026-11-21 13:59:59.000000Z"});
    REQUIRE(bench.start());  // from the snapshot alone
    CHECK(told() == Rows{"probe-1|0|2026-11-21 13:59:59.000000Z"});
    CHECK(bench.writer->counters().entries == 0);
    // The collector's clock was ahead, and is put right.
    bench.connected(noon_us + 240 * hour_us, 0, 6);
    bench.connected(noon_us + 3 * hour_us, 0, 5);
    CHECK(told() == Rows{"probe-1|5|2026-11-21 15:00:00.000000Z"});
}

TEST_CASE("state tables: what is known of a device survives in snapshots") {
    StateBench bench;
    bench.send(1);
    bench.send(3, noon_us + hour_us);
    REQUIRE(bench.drain() == "");
    const auto before = *bench.writer->survey("");
    REQUIRE(bench.start());
    REQUIRE(bench.drain() == "");
    REQUIRE(bench.writer->counters().entries == 0);
    const auto after = *bench.writer->survey("");
    REQUIRE(after.devices.size() == 1);
    CHECK(after.devices[0].firmware == "probe 7");
    CHECK(after.devices[0].facts.first_heard == WallUs{noon_us});
    CHECK(after.devices[0].facts.last_heard == WallUs{noon_us + hour_us});
    CHECK(after.devices[0].facts.rhythm_s() == before.devices[0].facts.rhythm_s());
    CHECK(after.devices[0].awaited == 1);
    CHECK_FALSE(bench.writer->survey("acme"));
}

TEST_CASE("losses: what is left of a range, over epochs and to the end of one") {
    using Ranges = std::vector<LossRuns::Range>;
    LossRuns runs;
    const auto add = [&](std::uint32_t epoch, std::uint32_t first, std::uint32_t last_epoch,
                         std::uint32_t last) {
        runs.add("probe", 11, BlockSeq::of(BlockClass::live, first), epoch, last_epoch, last);
    };
    const auto left = [&](std::uint32_t epoch, std::uint32_t first, std::uint32_t last) {
        return runs.not_lost("probe", 11, epoch, BlockClass::live, {first, last});
    };
    CHECK(left(2, 1, 9) == Ranges{{1, 9}});
    add(2, 3, 2, 4);
    add(2, 4, 2, 6);
    CHECK(left(2, 1, 9) == Ranges{{1, 2}, {7, 9}});
    CHECK(left(2, 3, 6).empty());
    CHECK(left(2, 4, 7) == Ranges{{7, 7}});
    add(2, 9, 4, 5);
    CHECK(left(2, 1, 20) == Ranges{{1, 2}, {7, 8}});
    CHECK(left(3, 1, 20).empty());
    CHECK(left(4, 1, 20) == Ranges{{6, 20}});
    CHECK(left(5, 1, 20) == Ranges{{1, 20}});
    CHECK(runs.not_lost("probe", 11, 3, BlockClass::bulk, {1, 2}) == Ranges{{1, 2}});
    CHECK(runs.not_lost("probe", 12, 3, BlockClass::live, {1, 2}) == Ranges{{1, 2}});
}
