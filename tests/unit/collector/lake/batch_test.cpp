#include "collector/lake/batch.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace longhaul::collector;

namespace {

std::vector<Column> device_and_time() {
    Column device;
    device.name = "device";
    Column time;
    time.name = "event_time";
    time.type = ColumnType::timestamp;
    return {device, time};
}

void add(Batch& batch, std::string_view device, std::int64_t time) {
    batch.begin_row();
    batch.put_text(0, device);
    batch.put_integer(1, time);
    batch.end_row();
}

std::string marks(const ColumnData& data) {
    std::string marks;
    for (std::size_t row = 0; row < data.valid.size(); ++row) marks += data.valid[row] ? 'v' : '-';
    return marks;
}

}  // namespace

TEST_CASE("batch: what a row leaves out is null") {
    Batch batch{device_and_time()};
    batch.begin_row();
    batch.put_integer(1, 7);
    batch.end_row();
    add(batch, "b", 8);

    CHECK(marks(batch.data(0)) == "-v");
    CHECK(batch.data(1).valid.all());
    CHECK(batch.data(0).text(0).empty());
    CHECK(batch.data(0).text(1) == "b");
    CHECK(batch.data(1).integers == std::vector<std::int64_t>{7, 8});
}

TEST_CASE("batch: a column that comes later is null in the rows before it") {
    Batch batch{device_and_time()};
    add(batch, "a", 1);
    add(batch, "a", 2);
    Column value;
    value.name = "value";
    value.type = ColumnType::real;
    batch.add_column(value);
    batch.begin_row();
    batch.put_real(2, 0.5);
    batch.end_row();

    CHECK(batch.rows() == 3);
    CHECK(marks(batch.data(2)) == "--v");
    CHECK(batch.data(2).reals[2] == 0.5);
    CHECK(marks(batch.data(0)) == "vv-");
}

TEST_CASE("batch: rows are ordered by device, then time, then arrival") {
    Batch batch{device_and_time()};
    add(batch, "b", 1);
    add(batch, "a", 5);
    add(batch, "b", -3);
    add(batch, "a", 5);
    add(batch, "ab", 0);
    add(batch, "a", INT64_MIN);

    CHECK(batch.order_by(0, 1) == std::vector<std::uint32_t>{5, 1, 3, 4, 2, 0});
    CHECK(batch.arrival_order() == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5});
}
