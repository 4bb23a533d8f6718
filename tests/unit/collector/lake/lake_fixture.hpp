// A table `acme/bus` on a simulated disk, with files of rows that can be told apart.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <map>
#include <tuple>

#include "collector/lake/delta_log.hpp"
#include "collector/lake/file_names.hpp"
#include "collector/lake/local_store.hpp"
#include "collector/lake/parquet_file.hpp"
#include "firmware-sim/sim_disk.hpp"

namespace longhaul::collector {

inline constexpr WallUs fixture_now{1'795'219'200'123'456};  // 2026-11-21
inline constexpr std::int64_t day_us = std::int64_t{86'400} * 1'000'000;

inline Column make_column(const char* name, ColumnType type, const char* kind = "") {
    Column made;
    made.name = name;
    made.type = type;
    made.kind = kind;
    return made;
}

inline std::vector<Column> bus_columns() {
    return {make_column("device", ColumnType::string),
            make_column("incarnation", ColumnType::long_integer),
            make_column("epoch", ColumnType::long_integer),
            make_column("seq", ColumnType::long_integer),
            make_column("row", ColumnType::short_integer),
            make_column("event_time", ColumnType::timestamp),
            make_column("receive_time", ColumnType::timestamp),
            make_column("speed", ColumnType::decimal_real, "decimal"),
            make_column("note", ColumnType::string, "text"),
            make_column("raw", ColumnType::binary, "bytes"),
            make_column("level", ColumnType::single, "float32"),
            make_column("open", ColumnType::boolean, "boolean")};
}

// The n-th block of its device, `count` rows, now and then with nulls.
inline void add_block(Batch& batch, std::int64_t n, int count) {
    for (int row = 0; row < count; ++row) {
        batch.begin_row();
        batch.put_text(0, "bus-" + std::to_string(n % 3));
        batch.put_integer(1, 7);
        batch.put_integer(2, 1);
        batch.put_integer(3, (std::int64_t{2} << 30) + n);
        batch.put_integer(4, row);
        batch.put_integer(5, fixture_now.value + (n * 1000 + row) * 100'000);
        batch.put_integer(6, fixture_now.value + n * 100'000'000);
        if (row % 5 != 0) batch.put_real(7, static_cast<double>(n * 10 + row) / 100);
        if (row % 3 != 0) batch.put_text(8, n % 2 == 0 ? "even" : "odd \n\xc3\xa4");
        if (row % 4 == 0) batch.put_text(9, std::string_view{"\0\xff raw", 6});
        if (batch.columns().size() > 10) {
            batch.put_real(10, std::bit_cast<double>(std::uint64_t{0x7fc0'0001}));  // a NaN's bits
            batch.put_integer(11, row % 2);
        }
        batch.end_row();
    }
}

using RowValues = std::vector<std::string>;

// How often each row stands in the table, by all values of our columns.
inline std::map<RowValues, int> rows_of(ObjectStore& store, const std::string& folder) {
    DeltaTable table{store, folder};
    REQUIRE(table.refresh().ok());
    std::map<RowValues, int> rows;
    const std::vector<Column>& columns = table.state().columns;
    for (const auto& [path, file] : table.state().files) {
        CAPTURE(path);
        const auto content = table.read(file);
        REQUIRE(content.ok());
        REQUIRE(check_content(path, content.value()).ok());
        const auto data = read_columns(content.value(), columns);
        REQUIRE(data.ok());
        const std::size_t count = data.value().empty() ? 0 : data.value()[0].valid.size();
        CHECK(count == file.rows);
        for (std::size_t row = 0; row < count; ++row) {
            RowValues values{file.receive_date};
            for (const ColumnData& column : data.value()) {
                const bool text = !column.text_ends.empty();
                const std::string value =
                    text ? std::string{column.text(row)}
                    : column.integers.empty()
                        ? std::to_string(std::bit_cast<std::int64_t>(column.reals[row]))
                        : std::to_string(column.integers[row]);
                values.push_back(!column.valid[row] ? "null" : "=" + value);
            }
            ++rows[values];
        }
    }
    return rows;
}

struct BusLake {
    sim::SimDisk disk;
    LocalStore store{disk};
    std::string folder = "acme/bus";
    std::string app = "6c6f6e67-6861-756c-8000-000000000001/0";
    std::string receive_date = "2026-11-21";
    std::vector<Column> columns = bus_columns();

    BusLake() { disk.set_time(fixture_now); }

    DataFile write(std::int64_t n, int rows, ObjectStore& to) {
        Batch batch{columns};
        add_block(batch, n, rows);
        auto object = to.begin();
        REQUIRE(object.ok());
        const auto written = write_parquet(batch, batch.arrival_order(), *object.value());
        REQUIRE(written.ok());
        DataFile file = data_file(
            receive_date, "0-" + std::to_string(n * 100 - 100) + "-" + std::to_string(n * 100),
            written.value());
        REQUIRE(object.value()->finish(folder + "/" + file.path).ok());
        return file;
    }
    TableCommit commit_of(std::int64_t n, int rows = 7) {
        TableCommit commit;
        commit.files = {write(n, rows, store)};
        commit.txns = {{app, n * 100}};
        commit.columns = columns;
        commit.table_id_if_new = "11111111-2222-8333-8444-555555555555";
        commit.commit_id = "66666666-7777-8888-8999-aaaaaaaaaaaa";
        commit.now = fixture_now;
        return commit;
    }
    // Of blocks `first` to `last`, each one commit.
    void fill(std::int64_t first, std::int64_t last, int rows = 7) {
        DeltaTable table{store, folder};
        REQUIRE(table.refresh().ok());
        for (std::int64_t n = first; n <= last; ++n) REQUIRE(table.commit(commit_of(n, rows)).ok());
    }
    TableState state() {
        DeltaTable table{store, folder};
        REQUIRE(table.refresh().ok());
        return table.state();
    }
    std::string log_path(const std::string& name) const { return folder + "/_delta_log/" + name; }
};

}  // namespace longhaul::collector
