#include <catch2/catch_test_macros.hpp>
#include <limits>

#include "collector/lake/delta_log.hpp"

using namespace longhaul::collector;

namespace {

// A batch of one column; `put` is called for each row.
template <class Put>
std::string stats_of(ColumnType type, std::size_t rows, Put put) {
    Column column;
    column.name = "x";
    column.type = type;
    Batch batch{{column}};
    for (std::size_t row = 0; row < rows; ++row) {
        batch.begin_row();
        put(batch, row);
        batch.end_row();
    }
    return delta_stats(batch, batch.arrival_order());
}

std::string stats(const char* records, const char* minimum, const char* maximum,
                  const char* nulls) {
    const auto bound = [](const char* value) {
        return std::string{"{"} + (*value == '\0' ? "" : "\"x\":") + value + "}";
    };
    return std::string{"{\"numRecords\":"} + records + ",\"minValues\":" + bound(minimum) +
           ",\"maxValues\":" + bound(maximum) + ",\"nullCount\":{\"x\":" + nulls + "}}";
}

std::string stats_of_reals(ColumnType type, std::vector<double> values) {
    return stats_of(type, values.size(),
                    [&values](Batch& batch, std::size_t row) { batch.put_real(0, values[row]); });
}

std::string stats_of_integers(ColumnType type, std::vector<std::int64_t> values) {
    return stats_of(type, values.size(), [&values](Batch& batch, std::size_t row) {
        batch.put_integer(0, values[row]);
    });
}

}  // namespace

TEST_CASE("statistics: a minimum of time is cut to milliseconds, a maximum rounded up") {
    CHECK(stats_of_integers(ColumnType::timestamp, {1'000'001, 2'000'001, 1'500'000}) ==
          stats("3", "\"1970-01-01T00:00:01.000Z\"", "\"1970-01-01T00:00:02.001Z\"", "0"));
    CHECK(stats_of_integers(ColumnType::timestamp, {-1, 0}) ==
          stats("2", "\"1969-12-31T23:59:59.999Z\"", "\"1970-01-01T00:00:00.000Z\"", "0"));
}

TEST_CASE("statistics: times that have no four-digit year have no bounds") {
    for (const std::int64_t time :
         {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(),
          std::int64_t{-62'135'596'800'000'001}, std::int64_t{253'402'300'799'999'001}}) {
        CAPTURE(time);
        CHECK(stats_of_integers(ColumnType::timestamp, {0, time}) == stats("2", "", "", "0"));
    }
}

TEST_CASE("statistics: numbers that are not finite leave the column without bounds") {
    const double infinity = std::numeric_limits<double>::infinity();
    CHECK(stats_of_reals(ColumnType::real, {1.5, -2}) == stats("2", "-2E0", "1.5E0", "0"));
    CHECK(stats_of_reals(ColumnType::decimal_real, {1, infinity}) == stats("2", "", "", "0"));
    CHECK(stats_of_reals(ColumnType::real, {std::numeric_limits<double>::quiet_NaN(), 3}) ==
          stats("2", "", "", "0"));
}

TEST_CASE("statistics: integers keep all their digits, nulls are counted and bound nothing") {
    CHECK(stats_of_integers(ColumnType::long_integer, {INT64_MIN, INT64_MAX}) ==
          stats("2", "-9223372036854775808", "9223372036854775807", "0"));
    CHECK(stats_of(ColumnType::string, 3, [](Batch& batch, std::size_t row) {
              if (row != 1) batch.put_text(0, row == 0 ? "b" : "a\"");
          }) == stats("3", "\"a\\\"\"", "\"b\"", "1"));
    CHECK(stats_of(ColumnType::long_integer, 2, [](Batch&, std::size_t) {}) ==
          stats("2", "", "", "2"));
}

TEST_CASE("statistics: only the first 32 columns have them") {
    std::vector<Column> columns(40);
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].name = "c" + std::to_string(i);
    const Batch batch{columns};
    const std::string text = delta_stats(batch, batch.arrival_order());
    CHECK(text.find("\"c31\"") != std::string::npos);
    CHECK(text.find("\"c32\"") == std::string::npos);
}

TEST_CASE("statistics: of parts give those of the whole") {
    const std::string a =
        R"({"numRecords":2,"minValues":{"a":3,"t":"b","x":1.5E0},"maxValues":{"a":4,"t":"c","x":2E0},)"
        R"("nullCount":{"a":0,"t":1,"x":0,"n":2,"y":0}})";
    const std::string b =
        R"({"numRecords":3,"minValues":{"a":-1,"n":7,"y":1E0},"maxValues":{"a":3,"n":9,"y":1E0},)"
        R"("nullCount":{"a":1,"t":3,"x":0,"n":0,"y":0}})";
    CHECK(merged_stats({a}) == a);
    // x and y have values without bounds in one of the parts, t and n have only nulls in one.
    CHECK(merged_stats({a, b}) ==
          R"({"numRecords":5,"minValues":{"a":-1,"t":"b","n":7},"maxValues":{"a":4,"t":"c","n":9},)"
          R"("nullCount":{"a":1,"t":4,"x":0,"n":2,"y":0}})");
}

TEST_CASE("statistics: when the newest row was received, as whoever wrote the file says it") {
    const auto newest = [](const char* time) {
        return newest_receive_time(R"({"numRecords":2,"maxValues":{"receive_time":)" +
                                   std::string{time} + "}}");
    };
    const longhaul::WallUs second{1'795'240'680'000'000};
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
