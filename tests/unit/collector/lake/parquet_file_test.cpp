#include "collector/lake/parquet_file.hpp"

#include <arrow/api.h>
#include <arrow/io/api.h>
#include <parquet/arrow/writer.h>

#include <catch2/catch_test_macros.hpp>
#include <cstring>

#include "collector/lake/arrow_columns.hpp"
#include "collector/lake/local_store.hpp"
#include "firmware-sim/sim_disk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

Column column(const char* name, ColumnType type) {
    Column made;
    made.name = name;
    made.type = type;
    return made;
}

std::vector<Column> name_columns(ColumnType of_row = ColumnType::short_integer) {
    return {column("device", ColumnType::string),
            column("incarnation", ColumnType::long_integer),
            column("epoch", ColumnType::long_integer),
            column("seq", ColumnType::long_integer),
            column("row", of_row),
            column("receive_time", ColumnType::timestamp)};
}

struct Written {
    sim::SimDisk disk;
    WrittenFile file;
    std::vector<std::byte> bytes;
};

void write(const Batch& batch, Written& out) {
    REQUIRE(crypto_init().ok());
    LocalStore store{out.disk};
    auto object = store.begin();
    REQUIRE(object.ok());
    const auto file = write_parquet(batch, batch.arrival_order(), *object.value());
    REQUIRE(file.ok());
    out.file = file.value();
    REQUIRE(object.value()->finish("x.parquet").ok());
    out.bytes = store.read("x.parquet").value();
}

// A row's name as another engine writes it: its time is so many of these units.
std::vector<std::byte> written_by_others(arrow::TimeUnit::type unit, std::int64_t time,
                                         bool int96) {
    const auto integer = [](std::int64_t value) {
        return arrow::MakeArrayFromScalar(arrow::Int64Scalar{value}, 1).ValueOrDie();
    };
    const auto type = arrow::timestamp(unit, "UTC");
    const arrow::ArrayVector arrays{
        arrow::MakeArrayFromScalar(arrow::StringScalar{"bus-1"}, 1).ValueOrDie(),
        integer(7),
        integer(1),
        integer(2),
        arrow::MakeArrayFromScalar(arrow::Int32Scalar{0}, 1).ValueOrDie(),
        arrow::MakeArrayFromScalar(arrow::TimestampScalar{time, type}, 1).ValueOrDie()};
    arrow::FieldVector fields;
    for (std::size_t i = 0; i < arrays.size(); ++i)
        fields.push_back(arrow::field(name_columns()[i].name, arrays[i]->type()));
    const auto table = arrow::Table::Make(arrow::schema(fields), arrays, 1);
    const auto stream = arrow::io::BufferOutputStream::Create().ValueOrDie();
    parquet::ArrowWriterProperties::Builder properties;
    if (int96) properties.enable_deprecated_int96_timestamps();
    REQUIRE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), stream, 1024,
                                       parquet::default_writer_properties(), properties.build())
                .ok());
    const auto buffer = stream->Finish().ValueOrDie();
    const auto* const begin = reinterpret_cast<const std::byte*>(buffer->data());
    return {begin, begin + buffer->size()};
}

}  // namespace

TEST_CASE("parquet: rows are written in the order asked for, with size and hash of the file") {
    Batch batch{{column("a", ColumnType::string), column("b", ColumnType::long_integer)}};
    for (const std::int64_t value : {3, 1, 2}) {
        batch.begin_row();
        if (value != 1) batch.put_text(0, "text " + std::to_string(value));
        batch.put_integer(1, value);
        batch.end_row();
    }
    REQUIRE(crypto_init().ok());
    sim::SimDisk disk;
    LocalStore store{disk};
    auto object = store.begin();
    const auto file = write_parquet(batch, {1, 2, 0}, *object.value());
    REQUIRE(file.ok());
    REQUIRE(object.value()->finish("x.parquet").ok());

    const auto bytes = store.read("x.parquet").value();
    CHECK(file.value().bytes == bytes.size());
    CHECK(file.value().content == sha256(bytes));
    std::string rows;
    REQUIRE(read_text_rows(bytes, {"b", "z", "a"}, [&rows](const std::vector<std::string>& row) {
                rows += row[0] + "=" + row[1] + row[2] + ";";
            }).ok());
    CHECK(rows == "1=;2=text 2;3=text 3;");  // the file has no column z
}

TEST_CASE("parquet: more rows than a row group takes are all there, in their order") {
    constexpr std::size_t count = row_group_rows + 2;
    Batch batch{{column("a", ColumnType::long_integer)}};
    batch.begin_rows(count);
    for (std::size_t i = 0; i < count; ++i) batch.put_integer(0, static_cast<std::int64_t>(i));
    batch.end_rows();
    Written written;
    write(batch, written);

    std::vector<std::size_t> groups;
    std::int64_t next = 0;
    std::size_t in_order = 0;
    REQUIRE(read_column_groups(written.bytes, batch.columns(), [&](const auto& columns) {
                groups.push_back(columns[0].integers.size());
                for (const std::int64_t value : columns[0].integers)
                    in_order += value == next++ ? 1U : 0U;
            }).ok());
    CHECK(groups == std::vector<std::size_t>{row_group_rows, 2});
    CHECK(in_order == count);
}

TEST_CASE("parquet: the same rows give the same bytes") {
    Batch batch{{column("a", ColumnType::real)}};
    for (int i = 0; i < 1000; ++i) {
        batch.begin_row();
        batch.put_real(0, i * 0.37);
        batch.end_row();
    }
    Written first;
    Written second;
    write(batch, first);
    write(batch, second);
    CHECK(first.bytes == second.bytes);
}

TEST_CASE("parquet: a damaged file is an error, whichever byte it is") {
    Batch batch{name_columns()};
    for (int i = 0; i < 20; ++i) {
        batch.begin_row();
        batch.put_text(0, "bus-1");
        for (std::size_t at = 1; at < 6; ++at) batch.put_integer(at, i);
        batch.end_row();
    }
    Written written;
    write(batch, written);
    // Not every flip can be noticed, because Parquet has no checksum over all; none may do harm.
    for (std::size_t at = 0; at < written.bytes.size(); ++at) {
        std::vector<std::byte> damaged = written.bytes;
        damaged[at] ^= std::byte{0x41};
        (void)read_row_names(damaged, [](const RowName&) {}).ok();
    }
    for (const std::size_t kept : {std::size_t{0}, std::size_t{4}, written.bytes.size() - 1}) {
        CHECK_FALSE(read_row_names(Bytes{written.bytes}.first(kept), [](const RowName&) {}).ok());
    }
}

TEST_CASE("parquet: identity columns of other types are refused") {
    Batch batch{name_columns(ColumnType::long_integer)};
    batch.begin_row();
    batch.put_text(0, "bus-1");
    for (std::size_t at = 1; at < 6; ++at) batch.put_integer(at, 1);
    batch.end_row();
    Written written;
    write(batch, written);
    CHECK_FALSE(read_row_names(written.bytes, [](const RowName&) {}).ok());
}

TEST_CASE("parquet: rows that lack a part of their name are counted, and not taken") {
    Batch batch{name_columns()};
    for (std::size_t lacks = 0; lacks <= 6; ++lacks) {  // 6: nothing
        batch.begin_row();
        if (lacks != 0) batch.put_text(0, "bus-1");
        for (std::size_t at = 1; at < 6; ++at) {
            if (at != lacks) batch.put_integer(at, static_cast<std::int64_t>(lacks));
        }
        batch.end_row();
    }
    Written written;
    write(batch, written);
    std::vector<std::int64_t> taken;
    const auto nameless =
        read_row_names(written.bytes, [&taken](const RowName& row) { taken.push_back(row.seq); });
    REQUIRE(nameless.ok());
    CHECK(taken == std::vector<std::int64_t>{6});
    CHECK(nameless.value() == NamelessRows{{"device", 1},
                                           {"incarnation", 1},
                                           {"epoch", 1},
                                           {"seq", 1},
                                           {"row", 1},
                                           {"receive_time", 1}});
    Batch without{{column("seq", ColumnType::long_integer)}};
    for (int i = 0; i < 3; ++i) {
        without.begin_row();
        without.put_integer(0, i);
        without.end_row();
    }
    Written of_others;
    write(without, of_others);
    CHECK(read_row_names(of_others.bytes, [](const RowName&) {}).value() ==
          NamelessRows{{"device", 3}});
}

TEST_CASE("parquet: times in units of other engines are microseconds here") {
    constexpr std::int64_t us = 1'795'262'400'123'456;
    const auto times_of = [](Bytes parquet) {
        std::vector<std::int64_t> times;
        REQUIRE(read_row_names(parquet, [&times](const RowName& row) {
                    times.push_back(row.receive_time_us);
                }).ok());
        const auto columns = read_columns(parquet, {name_columns()[5]});
        REQUIRE(columns.ok());
        times.push_back(columns.value()[0].integers[0]);
        return times;
    };
    for (const bool int96 : {false, true}) {
        CAPTURE(int96);
        CHECK(times_of(written_by_others(arrow::TimeUnit::NANO, us * 1000 + 7, int96)) ==
              std::vector<std::int64_t>{us, us});
    }
    CHECK(times_of(written_by_others(arrow::TimeUnit::MILLI, us / 1000, false)) ==
          std::vector<std::int64_t>{us / 1000 * 1000, us / 1000 * 1000});
    const auto too_late = written_by_others(arrow::TimeUnit::MILLI, INT64_MAX, false);
    CHECK_FALSE(read_row_names(too_late, [](const RowName&) {}).ok());
    CHECK_FALSE(read_columns(too_late, {name_columns()[5]}).ok());
}
