// Training of models: what comes out is the same every time, is worth what is said, and is learnt
// from the rows that devices sampled.
#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <random>

#include "collector/lake/delta_log.hpp"
#include "collector/lake/local_store.hpp"
#include "collector/lake/parquet_file.hpp"
#include "common/block/crypto.hpp"
#include "firmware-sim/sim_disk.hpp"
#include "tests/support/section.hpp"
#include "tools/longhaul/lake_samples.hpp"
#include "tools/model/model_report.hpp"
#include "tools/model/schema_trainer.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

struct Pumps {
    std::array<Field, 3> fields{test::field_of(FieldKind::enumeration, "state"),
                                test::field_of(FieldKind::decimal, "pressure", true),
                                test::field_of(FieldKind::bytes, "frame")};
    Schema schema{.name = "pump", .fields = fields, .time = TimeKind::source, .tick_us = 1};
    struct Device {
        std::vector<std::int64_t> times;
        std::vector<Value> values;
    };
    std::deque<Device> devices;
    std::deque<std::string> texts;

    // Frames that say what the state says, or noise in every column.
    Pumps(std::size_t count, std::size_t samples, bool noise) {
        std::mt19937_64 random{20261128};
        for (std::size_t d = 0; d < count; ++d) {
            Device& device = devices.emplace_back();
            std::int64_t time = 1'700'000'000'000'000;
            for (std::size_t i = 0; i < samples; ++i) {
                const std::uint64_t state = noise ? random() % 3 : i / 7 % 3;
                const std::uint64_t change = noise ? random() >> 1 : 1'000'000;
                time += static_cast<std::int64_t>(change % 100'000'000);
                device.times.push_back(time);
                device.values.push_back(Value::of_integer(static_cast<std::int64_t>(state)));
                const std::uint64_t pressure = noise ? random() % 100'000'000 : 300 + state;
                device.values.push_back(Value::of_integer(static_cast<std::int64_t>(pressure)));
                std::string frame =
                    noise ? "" : "pump in state " + std::to_string(100 * state + i % 5);
                for (int j = 0; noise && j < 60; ++j) frame += static_cast<char>(random());
                texts.push_back(frame);
                device.values.push_back(Value::of_text(as_bytes(texts.back())));
            }
        }
    }
    std::vector<SampleRun> runs() const {
        std::vector<SampleRun> all;
        for (const Device& device : devices) all.push_back({device.times, device.values});
        return all;
    }
};

double best_gain(const Pumps& pumps) {
    const HeldOut parts{pumps.runs()};
    const auto model = train_model(pumps.schema, parts.training);
    double best = 0;
    for (const ModelGain& gain : measure_model(pumps.schema, model, parts.rest))
        best = std::max(best, gain.percent());
    return best;
}

}  // namespace

TEST_CASE("model training: the same samples give the same bytes, and a model that can be read") {
    const Pumps pumps{4, 300, false};
    const auto model = train_model(pumps.schema, pumps.runs());
    CHECK(model == train_model(pumps.schema, pumps.runs()));
    REQUIRE(model.size() <= limits::model_bytes_max);
    const auto parsed = Model::parse(model);
    REQUIRE(parsed.ok());
    CHECK(!parsed.value().mix_examples().empty());
}

TEST_CASE("model training: it pays on devices held out where data are alike, and not in noise") {
    CHECK(best_gain({4, 300, false}) > 20);
    CHECK(best_gain({4, 300, true}) < 3);
}

TEST_CASE("model training: of one device the last two fifths are held out") {
    const Pumps pumps{1, 500, false};
    const HeldOut parts{pumps.runs()};
    CHECK(parts.by_time);
    CHECK(HeldOut::samples_of(parts.training) == 300);
    CHECK(parts.rest[0].times.front() == pumps.devices[0].times[300]);
}

TEST_CASE("model training: of a wide schema there is a model too, of what fits") {
    constexpr std::size_t width = limits::schema_fields_max;
    std::mt19937_64 random{20261128};
    std::deque<std::string> texts;
    std::vector<Field> fields;
    for (std::size_t i = 0; i < width; ++i) {
        texts.push_back("field_" + std::to_string(i));
        fields.push_back(test::field_of(i % 8 == 0 ? FieldKind::text : FieldKind::integer,
                                        texts.back(), i % 2 == 0));
    }
    const Schema schema{.name = "wide", .fields = fields, .time = TimeKind::source, .tick_us = 1};
    std::vector<std::int64_t> times;
    std::vector<Value> values;
    for (std::int64_t row = 0; row < 480; ++row) {
        times.push_back(row * 1'000'000 + static_cast<std::int64_t>(random() % 1000));
        for (std::size_t i = 0; i < width; ++i) {
            if (i % 8 == 0) {
                texts.push_back("noise " + std::to_string(random()));
                values.push_back(Value::of_text(as_bytes(texts.back())));
            } else if (i % 2 == 0 && random() % 5 == 0) {
                values.push_back({});
            } else {
                values.push_back(
                    Value::of_integer(static_cast<std::int64_t>(random() >> random() % 64)));
            }
        }
    }
    const SampleRun run{times, values};
    const auto model = train_model(schema, {&run, 1}, {.samples = 480});
    CHECK(model.size() <= limits::model_bytes_max);
    REQUIRE(Model::parse(model).ok());
    CHECK(Model::parse(model).value().column_count() < width + 1);  // it was too much
    CHECK(measure_model(schema, model, {run.part(0, 60)}).size() == 3);
}

namespace {

std::vector<Column> pump_columns() {
    // An older schema had the pressure as an integer, more states, and no frames.
    std::vector<Column> columns(10);
    const char* names[] = {"device", "incarnation",       "epoch", "seq",     "row", "event_time",
                           "state",  "pressure__decimal", "frame", "pressure"};
    for (std::size_t i = 0; i < columns.size(); ++i) {
        columns[i].name = names[i];
        columns[i].type = i > 0 && i < 4 ? ColumnType::long_integer : ColumnType::string;
    }
    columns[4].type = ColumnType::short_integer;
    columns[5].type = ColumnType::timestamp;
    columns[6].kind = "enumeration";
    columns[7].type = ColumnType::decimal_real;
    columns[7].kind = "decimal";
    columns[8].type = ColumnType::binary;
    columns[8].kind = "bytes";
    columns[9].type = ColumnType::long_integer;
    columns[9].kind = "integer";
    return columns;
}

// The rows of one device, backwards, and two that an older schema left.
void put_rows(const Pumps::Device& device, Batch& batch) {
    const std::array<const char*, 3> labels{"a", "b", "c"};
    for (std::size_t i = 20; i-- > 0;) {  // backwards
        batch.begin_row();
        batch.put_text(0, "pump-1");
        batch.put_integer(1, 11);
        batch.put_integer(2, 1);
        batch.put_integer(3, 1);
        batch.put_integer(4, static_cast<std::int64_t>(i));
        batch.put_integer(5, device.times[i]);
        batch.put_text(6, labels[static_cast<std::size_t>(device.values[3 * i].integer)]);
        if (i == 4) {
            batch.put_null(7);
        } else {
            batch.put_real(7, static_cast<double>(device.values[3 * i + 1].integer) / 100);
        }
        batch.put_text(8, as_text(device.values[3 * i + 2].text));
        batch.end_row();
    }
    for (const char* state : {"a", "unknown"}) {  // the older schema's
        batch.begin_row();
        batch.put_text(0, "pump-1");
        for (std::size_t i = 1; i < 6; ++i) batch.put_integer(i, 1);
        batch.put_text(6, state);
        if (std::string_view{state} == "unknown") batch.put_text(8, "frame");
        batch.put_integer(9, 3);
        batch.end_row();
    }
}

void commit_file(const Batch& batch, LocalStore& store, DeltaTable& table) {
    auto object = store.begin();
    const auto written = write_parquet(batch, batch.arrival_order(), *object.value());
    REQUIRE(written.ok());
    DataFile file;
    file.path = "receive_date=2026-11-21/1.parquet";
    file.receive_date = "2026-11-21";
    file.bytes = written.value().bytes;
    REQUIRE(object.value()->finish("acme/pump/" + file.path).ok());
    TableCommit commit;
    commit.files = {file};
    commit.txns = {{"journal/0", 1}};
    commit.columns = pump_columns();
    REQUIRE(table.commit(commit).ok());
}

}  // namespace

TEST_CASE("model training: rows of a table become what the device sampled, in its order") {
    REQUIRE(crypto_init().ok());
    const Pumps pumps{1, 20, false};
    sim::SimDisk disk;
    LocalStore store{disk};
    DeltaTable table{store, "acme/pump"};
    Batch batch{pump_columns()};
    const Pumps::Device& device = pumps.devices[0];
    put_rows(device, batch);
    commit_file(batch, store, table);

    const auto read = tools::LakeSamples::read(store, "acme/pump", pumps.schema);
    REQUIRE(read.ok());
    const auto runs = read.value()->devices();
    REQUIRE(runs.size() == 1);
    REQUIRE(runs[0].times.size() == 20);
    for (std::size_t i = 0; i < 20; ++i) {
        CAPTURE(i);
        CHECK(runs[0].times[i] == device.times[i]);
        for (std::size_t c = 0; c < 3; ++c) {
            const Value& value = runs[0].values[3 * i + c];
            if (i == 4 && c == 1) {
                CHECK(value.form == ValueForm::null);
            } else {
                CHECK(test::same_value(value, device.values[3 * i + c]));
            }
        }
    }
}
