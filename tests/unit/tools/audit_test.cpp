// The audit has to say yes to what is right and no to everything else.
#include "tools/longhaul/audit.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "collector/lake/upkeep.hpp"
#include "tests/support/model.hpp"
#include "tests/unit/tools/audit_bench.hpp"

using namespace longhaul;
using namespace longhaul::test;
using namespace longhaul::tools;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("audit: everything that was sent stands in the table once") {
    AuditBench bench;
    bench.begin();
    for (const std::uint32_t number : {1U, 2U, 3U, 2U}) bench.send(number);
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(holds(report));
    CHECK(report.devices == 1);
    CHECK(report.tables == 1);
    CHECK(report.totals.blocks == 3);
    CHECK(report.totals.samples == 9);
    CHECK(report.totals.rows == 9);
    CHECK(report.totals.resent == 1);
    CHECK(report.totals.in_flight == 0);
}

TEST_CASE("audit: what the writer has not committed is in flight, not lost") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    CHECK(bench.report().totals.in_flight == 1);
    REQUIRE(bench.drain().empty());
    bench.send(2);
    const AuditReport report = bench.report();
    CHECK(holds(report));
    CHECK(report.totals.in_flight == 1);
    CHECK(report.totals.rows == 3);
}

TEST_CASE("audit: blocks that the next epoch's record tells of are awaited") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    EpochMaker next{"acme", "bus-1", 7, 2};
    next.stream(1, "thing", *bench.thing);
    next.record.previous_epoch = 1;
    next.record.previous_ends_count = 1;
    next.record.previous_ends[0].block_class = static_cast<std::uint32_t>(BlockClass::normal);
    next.record.previous_ends[0].last_number = 3;
    bench.epoch(next);
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(holds(report));
    CHECK(report.totals.awaited == 2);
}

TEST_CASE("audit: a block in quarantine is named as that") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    auto garbled = bench.sealed(2);
    garbled.back() ^= std::byte{1};
    bench.block(bench.maker, garbled);
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(holds(report));
    CHECK(report.totals.quarantined == 1);
    CHECK(report.totals.rows == 3);
}

TEST_CASE("audit: a block that waits for its model is in quarantine until it is released") {
    AuditBench bench;
    const auto model = small_model();
    bench.maker.stream(1, "thing", *bench.thing, model);
    bench.schema(*bench.thing);
    bench.epoch(bench.maker);
    Body body;
    body.samples(1, *bench.thing, {1}, {{Value::of_integer(1)}}, codec_range, model);
    const auto sealed = bench.maker.block(1, body);
    bench.block(bench.maker, sealed);
    bench.send(2);  // of codec 0, which needs no model
    REQUIRE(bench.drain().empty());
    AuditReport report = bench.report();
    CHECK(holds(report));
    CHECK(report.totals.quarantined == 1);
    CHECK(report.totals.released == 0);

    bench.append(collector::JournalKind::model, "acme", "", model);
    bench.append(collector::JournalKind::release, "acme", "bus-1", sealed);
    report = bench.report();  // not yet committed
    CHECK(holds(report));
    CHECK(report.totals.quarantined == 1);
    REQUIRE(bench.drain().empty());
    report = bench.report();
    CHECK(holds(report));
    CHECK(report.totals.blocks == 2);
    CHECK(report.totals.quarantined == 0);
    CHECK(report.totals.released == 1);
    CHECK(report.totals.rows == 4);

    bench.append(collector::JournalKind::release, "acme", "bus-1", bench.sealed(3));
    report = bench.report();
    REQUIRE(report.problems.size() == 1);
    CHECK_THAT(report.problems[0], ContainsSubstring("is of a block that has not come"));
}

TEST_CASE("audit: two blocks of one name are told") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    auto other = bench.sealed(1);
    other.back() ^= std::byte{1};
    bench.block(bench.maker, other);
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    REQUIRE(report.problems.size() == 1);
    CHECK_THAT(report.problems[0], ContainsSubstring("two different blocks have the name epoch 1"));
}

TEST_CASE("audit: rows that somebody removed from a table are missed") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    bench.send(2);
    REQUIRE(bench.drain().empty());
    bench.commit_by_hand(R"({"remove":{"path":")" + bench.only_file().path +
                         R"(","deletionTimestamp":0,"dataChange":true}})");
    const AuditReport report = bench.report();
    CHECK(report.totals.wrong == 2);
    CHECK(report.totals.rows == 0);
    REQUIRE(report.problems.size() == 2);
    CHECK_THAT(report.problems[0], ContainsSubstring("3 samples were sent, 0 rows are there"));
}

TEST_CASE("audit: rows that have expired are accounted for by their totals, and by nothing less") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    bench.send(2);
    REQUIRE(bench.drain().empty());
    constexpr std::int64_t day_us = std::int64_t{86'400} * 1'000'000;
    collector::Upkeep upkeep{*bench.store, {}, {}};
    upkeep.look_after_all(collector::Upkeep::cleaning, {noon_us + 731 * day_us});
    CHECK(upkeep.counters().expired_rows == 6);
    const AuditReport report = bench.report();
    CHECK(holds(report));
    CHECK(report.totals.expired == 2);
    CHECK(report.totals.rows == 0);
    // What came later is there as ever; a block that should be and is not is missed.
    bench.send(3);
    REQUIRE(bench.drain().empty());
    CHECK(holds(bench.report()));
    bench.commit_by_hand(R"({"remove":{"path":")" + bench.only_file().path +
                         R"(","deletionTimestamp":0,"dataChange":true}})");
    CHECK_FALSE(holds(bench.report()));
}

TEST_CASE("audit: rows that somebody added once more are found") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    REQUIRE(bench.drain().empty());
    const collector::DataFile file = bench.only_file();
    const auto content = bench.store->read("acme/thing/" + file.path);
    REQUIRE(content.ok());
    REQUIRE(bench.store
                ->put_if_absent("acme/thing/receive_date=2026-11-21/copy.parquet", content.value())
                .ok());
    bench.commit_by_hand(
        R"({"add":{"path":"receive_date=2026-11-21/copy.parquet","partitionValues":)"
        R"({"receive_date":"2026-11-21"},"size":)" +
        std::to_string(file.bytes) + R"(,"modificationTime":0,"dataChange":true}})");
    const AuditReport report = bench.report();
    CHECK(report.totals.rows == 3);
    CHECK(report.totals.duplicates == 3);
    CHECK_FALSE(report.problems.empty());
}

TEST_CASE("audit: a byte of a batch file that has changed is found, whatever it means") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    REQUIRE(bench.drain().empty());
    const collector::DataFile file = bench.only_file();
    collector::LocalStore lake{bench.disk};
    for (std::size_t at = 0; at < file.bytes; at += 97) {
        CAPTURE(at);
        bench.disk.flip("acme/thing/" + file.path, at, std::byte{1});
        const auto contents = read_lake(lake);
        REQUIRE(contents.ok());
        REQUIRE(contents.value().at("acme").problems.size() == 1);
        CHECK_THAT(contents.value().at("acme").problems[0],
                   ContainsSubstring(file.path + ": ") &&
                       ContainsSubstring("a batch file has not the content that it is named by"));
        bench.disk.flip("acme/thing/" + file.path, at, std::byte{1});
    }
    CHECK(holds(bench.report()));
}

TEST_CASE("audit: of one tenant, one device, or of what came since a time") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    bench.next_epoch(2, 1);
    Body body;
    body.samples(1, *bench.thing, {1}, {{Value::of_integer(1)}});
    const std::int64_t later = noon_us + 3'600'000'000;
    bench.block(bench.later.at(2), bench.later.at(2).block(1, body), later);
    REQUIRE(bench.drain().empty());
    const auto samples = [&bench](const AuditScope& scope) {
        collector::LocalStore lake{bench.disk};
        const auto contents = read_lake(lake, scope);
        REQUIRE(contents.ok());
        const auto report = audit(*bench.journal, contents.value(), scope);
        REQUIRE(report.ok());
        CHECK(holds(report.value()));
        return report.value().totals.samples;
    };
    AuditScope scope;
    CHECK(samples(scope) == 4);
    scope.since = {later};
    CHECK(samples(scope) == 1);
    scope.since = {later + 1};
    CHECK(samples(scope) == 0);
    scope = {};
    scope.tenant = "acme";
    CHECK(samples(scope) == 4);
    scope.tenant = "acm";
    CHECK(samples(scope) == 0);
    scope = AuditScope{"bus-1"};
    CHECK(samples(scope) == 4);
    scope.device = "bus-2";
    CHECK(samples(scope) == 0);
}

TEST_CASE("audit: rows of a block that is not in the journal are told") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    REQUIRE(bench.drain().empty());
    AuditBench empty;  // another journal over the same lake
    empty.begin();
    collector::LocalStore lake{bench.disk};
    const auto contents = read_lake(lake);
    REQUIRE(contents.ok());
    const auto report = audit(*empty.journal, contents.value(), {});
    REQUIRE(report.ok());
    REQUIRE(report.value().problems.size() == 1);
    CHECK_THAT(report.value().problems[0], ContainsSubstring("the block is not in the journal"));
}

TEST_CASE("audit: a row is explained by its own block only, not by one whose name begins alike") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    REQUIRE(bench.drain().empty());
    collector::LocalStore lake{bench.disk};
    const auto contents = read_lake(lake);
    REQUIRE(contents.ok());
    constexpr std::int64_t beyond = std::int64_t{1} << 32;
    const auto seen = contents.value().at("acme").rows.begin();
    for (const auto change : {&collector::AuditedBlock::incarnation,
                              &collector::AuditedBlock::epoch, &collector::AuditedBlock::seq}) {
        LakeContents forged = contents.value();
        collector::AuditedBlock name = seen->first;
        name.*change += beyond;
        forged.at("acme").rows[name] = seen->second;
        const auto report = audit(*bench.journal, forged, {});
        REQUIRE(report.ok());
        REQUIRE(report.value().problems.size() == 1);
        CHECK_THAT(report.value().problems[0],
                   ContainsSubstring("the block is not in the journal"));
    }
}
