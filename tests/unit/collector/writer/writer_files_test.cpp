// Which files the rows of a commit go to.
#include <catch2/catch_test_macros.hpp>

#include "tests/unit/collector/writer/writer_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

using Rows = std::vector<std::string>;

}  // namespace

TEST_CASE("writer: rows that came an hour late or more lie in a file of their own") {
    WriterBench bench;
    const auto schema = counter();
    EpochMaker epoch{"acme", "probe-1", 11, 1};
    epoch.stream(1, "r", *schema);
    bench.schema(*schema);
    bench.epoch(epoch);
    constexpr std::int64_t hour_us = 3'600'000'000;
    const std::vector<std::int64_t> times{noon_us, noon_us - hour_us, noon_us - hour_us + 1,
                                          noon_us + 10 * hour_us, INT64_MIN};
    const Body body = Body{}.samples(1, *schema, times, {std::vector<Value>(times.size())});
    bench.block(epoch, epoch.block(1, body));
    REQUIRE(bench.drain() == "");
    DeltaTable table{*bench.store, "acme/counter"};
    REQUIRE(table.refresh().ok());
    std::map<bool, std::uint64_t> rows;  // by whether the file is a late one
    for (const auto& [path, file] : table.state().files) {
        rows[path.find("/late-0-") != std::string::npos] += file.rows;
    }
    CHECK(rows == std::map<bool, std::uint64_t>{{false, 3}, {true, 2}});
    CHECK(table.state().version == 0);
    CHECK(bench.rows("acme/counter", {"row"}) == Rows{"0", "1", "2", "3", "4"});
}

TEST_CASE("writer: rows lie in the partition of the day on which they came") {
    WriterBench bench;
    const auto schema = counter();
    EpochMaker epoch{"acme", "probe-1", 11, 1};
    epoch.stream(1, "c", *schema);
    bench.schema(*schema);
    bench.epoch(epoch);
    constexpr std::int64_t half_a_day_us = 43'200'000'000;
    bench.block(epoch, epoch.block(1, count_body(*schema, {1})), noon_us + half_a_day_us - 1);
    bench.block(epoch, epoch.block(2, count_body(*schema, {1})), noon_us + half_a_day_us);
    REQUIRE(bench.drain() == "");
    DeltaTable table{*bench.store, "acme/counter"};
    REQUIRE(table.refresh().ok());
    Rows partitions;
    for (const auto& [path, file] : table.state().files) {
        CHECK(path.starts_with("receive_date=" + file.receive_date + "/late-0-"));
        partitions.push_back(file.receive_date);
    }
    CHECK(partitions == Rows{"2026-11-21", "2026-11-22"});
    CHECK(table.state().version == 0);  // both in one commit
}
