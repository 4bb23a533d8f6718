#include "collector/lake/delta_stats.hpp"

#include <catch2/catch_test_macros.hpp>
#include <limits>

#include "collector/lake/local_store.hpp"
#include "collector/lake/parquet_stream.hpp"
#include "firmware-sim/sim_disk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

const double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::numeric_limits<double>::quiet_NaN();

// Of a file with a row group for each batch.
std::string stats_of(const std::vector<Batch>& groups) {
    REQUIRE(crypto_init().ok());
    sim::SimDisk disk;
    LocalStore store{disk};
    const auto object = store.begin().value();
    const auto writer = ParquetWriter::open(groups[0].columns(), fresh_level, *object).value();
    std::uint64_t rows = 0;
    for (const Batch& group : groups) {
        REQUIRE(writer->write(group, group.arrival_order()).ok());
        rows += group.rows();
    }
    const WrittenFile file = writer->finish().value();
    CHECK(file.rows == rows);
    return file.stats;
}

// A batch of one column; `put` is called for each row.
template <class Put>
Batch batch_of(ColumnType type, std::size_t rows, Put put) {
    Column column;
    column.name = "x";
    column.type = type;
    Batch batch{{column}};
    for (std::size_t row = 0; row < rows; ++row) {
        batch.begin_row();
        put(batch, row);
        batch.end_row();
    }
    return batch;
}

Batch reals(std::vector<std::optional<double>> values, ColumnType type = ColumnType::real) {
    return batch_of(type, values.size(), [&values](Batch& batch, std::size_t row) {
        if (values[row]) batch.put_real(0, *values[row]);
    });
}

Batch integers(ColumnType type, std::vector<std::optional<std::int64_t>> values) {
    return batch_of(type, values.size(), [&values](Batch& batch, std::size_t row) {
        if (values[row]) batch.put_integer(0, *values[row]);
    });
}

Batch texts(std::vector<std::optional<std::string>> values) {
    return batch_of(ColumnType::string, values.size(), [&values](Batch& batch, std::size_t row) {
        if (values[row]) batch.put_text(0, *values[row]);
    });
}

std::string stats(const char* records, const char* minimum, const char* maximum,
                  const char* nulls) {
    const auto bound = [](const char* value) {
        return std::string{"{"} + (*value == '\0' ? "" : "\"x\":") + value + "}";
    };
    return std::string{"{\"numRecords\":"} + records + ",\"minValues\":" + bound(minimum) +
           ",\"maxValues\":" + bound(maximum) + ",\"nullCount\":{\"x\":" + nulls + "}}";
}

}  // namespace

TEST_CASE("statistics: a minimum of time is cut to milliseconds, a maximum rounded up") {
    CHECK(stats_of({integers(ColumnType::timestamp, {1'000'001, 2'000'001, 1'500'000})}) ==
          stats("3", "\"1970-01-01T00:00:01.000Z\"", "\"1970-01-01T00:00:02.001Z\"", "0"));
    CHECK(stats_of({integers(ColumnType::timestamp, {-1, 0})}) ==
          stats("2", "\"1969-12-31T23:59:59.999Z\"", "\"1970-01-01T00:00:00.000Z\"", "0"));
}

TEST_CASE("statistics: times that have no four-digit year have no bounds") {
    for (const std::int64_t time :
         {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(),
          std::int64_t{-62'135'596'800'000'001}, std::int64_t{253'402'300'799'999'001}}) {
        CAPTURE(time);
        CHECK(stats_of({integers(ColumnType::timestamp, {0, time})}) == stats("2", "", "", "0"));
    }
}

TEST_CASE("statistics: numbers that are not finite leave the column without bounds") {
    CHECK(stats_of({reals({1.5, -2})}) == stats("2", "-2E0", "1.5E0", "0"));
    CHECK(stats_of({reals({0, 1})}) == stats("2", "-0E0", "1E0", "0"));  // below -0, too
    CHECK(stats_of({reals({1, infinity}, ColumnType::decimal_real)}) == stats("2", "", "", "0"));
    for (const ColumnType type : {ColumnType::real, ColumnType::decimal_real}) {
        CHECK(stats_of({reals({not_a_number, 3}, type)}) == stats("2", "", "", "0"));
        CHECK(stats_of({reals({3, not_a_number}, type)}) == stats("2", "", "", "0"));
        CHECK(stats_of({reals({not_a_number}, type)}) == stats("1", "", "", "0"));
    }
}

TEST_CASE("statistics: integers keep all their digits, nulls are counted and bound nothing") {
    CHECK(stats_of({integers(ColumnType::long_integer, {INT64_MIN, INT64_MAX})}) ==
          stats("2", "-9223372036854775808", "9223372036854775807", "0"));
    CHECK(stats_of({integers(ColumnType::short_integer, {INT32_MAX, {}, INT32_MIN})}) ==
          stats("3", "-2147483648", "2147483647", "1"));
    CHECK(stats_of({texts({"b", {}, "a\""})}) == stats("3", "\"a\\\"\"", "\"b\"", "1"));
    CHECK(stats_of({texts({"z", "\xC3\xA4"})}) == stats("2", "\"z\"", "\"\xC3\xA4\"", "0"));
    CHECK(stats_of({reals({{}, 3})}) == stats("2", "3E0", "3E0", "1"));
    CHECK(stats_of({integers(ColumnType::long_integer, {{}, {}})}) == stats("2", "", "", "2"));
}

TEST_CASE("statistics: texts of some kilobytes bound nothing, so that no commit grows with them") {
    const std::string small(100, 'a');
    CHECK(stats_of({texts({small})}) ==
          stats("1", ("\"" + small + "\"").c_str(), ("\"" + small + "\"").c_str(), "0"));
    CHECK(stats_of({texts({small, std::string(5000, 'b')})}) == stats("2", "", "", "0"));
}

TEST_CASE("statistics: only the first 32 columns have them") {
    std::vector<Column> columns(40);
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].name = "c" + std::to_string(i);
    Batch batch{columns};
    batch.begin_row();
    batch.end_row();
    const std::string text = stats_of({batch});
    CHECK(text.find("\"c31\"") != std::string::npos);
    CHECK(text.find("\"c32\"") == std::string::npos);
}

TEST_CASE("statistics: of row groups give those of the file") {
    using enum ColumnType;
    CHECK(stats_of({integers(long_integer, {3, 4}), integers(long_integer, {-1, {}, 3})}) ==
          stats("5", "-1", "4", "1"));
    CHECK(stats_of({texts({"b", "c"}), texts({{}, {}, {}})}) == stats("5", "\"b\"", "\"c\"", "3"));
    CHECK(stats_of({texts({"b", "c"}), texts({"a", std::string(5000, 'a')})}) ==
          stats("4", "", "", "0"));
    CHECK(stats_of({reals({not_a_number}), reals({1})}) == stats("2", "", "", "0"));
    CHECK(stats_of({reals({1}), reals({not_a_number, 2})}) == stats("3", "", "", "0"));
}

TEST_CASE("statistics: when the newest row was received, as whoever wrote the file says it") {
    const auto newest = [](const char* time) {
        return newest_receive_time(R"({"numRecords":2,"maxValues":{"receive_time":)" +
                                   std::string{time} + "}}");
    };
    const WallUs second{1'795'240'680'000'000};
    CHECK(newest("\"2026-11-21T05:58:00.123Z\"") == second);
    CHECK(newest("\"2026-11-21T05:58:00.123456+00:00\"") == second);
    CHECK(newest("\"2026-11-21T05:58:00Z\"") == second);
    CHECK(newest("\"2026-11-21T13:58:00.123+08:00\"") == second);
    CHECK(newest("\"2026-11-21T02:28:00.123-03:30\"") == second);
    for (const char* no_time : {"null", "7", "\"soon\"", "\"2026-13-21T05:58:00Z\"",
                                "\"2026-11-21T05:58:00.1+east\"", "["})
        CHECK_FALSE(newest(no_time));
    for (const char* none : {"", "{}", "[]", R"({"maxValues":7})"})
        CHECK_FALSE(newest_receive_time(none));
}
