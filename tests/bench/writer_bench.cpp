// The writer: journal to committed table, beside Arrow writing the same number of rows of like
// columns.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "collector/writer/table_columns.hpp"
#include "tests/unit/collector/writer/writer_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

constexpr std::size_t fields = 8;
constexpr std::uint32_t blocks = 200;
constexpr std::size_t rows_per_block = limits::section_samples_max;
constexpr std::size_t rows_total = blocks * rows_per_block;

std::int64_t value_at(std::size_t row, std::size_t field) {
    return static_cast<std::int64_t>(100'000 * field + row % 250 + row / 250);
}

std::unique_ptr<StoredSchema> schema() {
    std::vector<Field> list;
    static const char* const names[fields] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    for (const char* name : names) list.push_back(test::field(name, FieldKind::decimal, 2));
    return test::make_schema("bench", TimeKind::source, list);
}

void fill(test::WriterBench& bench) {
    const auto stored = schema();
    test::EpochMaker epoch{"acme", "bus-1", 1, 1};
    epoch.stream(1, "bench", *stored);
    bench.schema(*stored);
    bench.epoch(epoch);
    for (std::uint32_t number = 1; number <= blocks; ++number) {
        std::vector<std::int64_t> times;
        std::vector<std::vector<Value>> columns(fields);
        for (std::size_t i = 0; i < rows_per_block; ++i) {
            const std::size_t row = (number - 1) * rows_per_block + i;
            times.push_back(test::noon_us + static_cast<std::int64_t>(row) * 1'000'000);
            for (std::size_t f = 0; f < fields; ++f)
                columns[f].push_back(Value::of_integer(value_at(row, f)));
        }
        test::Body body;
        body.samples(1, *stored, times, columns);
        bench.block(epoch, epoch.block(number, body));
    }
}

void rows_ours(benchmark::State& state) {
    for (auto _ : state) {
        state.PauseTiming();
        test::WriterBench bench;
        fill(bench);
        state.ResumeTiming();
        LH_CHECK(bench.drain().empty());
    }
    state.SetItemsProcessed(state.iterations() * std::int64_t{rows_total});
}
BENCHMARK(rows_ours)
    ->Name("rows of 8 fields from journal to table/ours")
    ->Unit(benchmark::kMillisecond);

void rows_limit(benchmark::State& state) {
    std::vector<Column> columns = fixed_columns();
    const auto stored = schema();
    for (const Field& field : stored->schema().fields) columns.push_back(column_of(field));
    Batch batch{columns};
    for (std::size_t row = 0; row < rows_total; ++row) {
        batch.begin_row();
        batch.put_text(column_device, "bus-1");
        batch.put_text(column_stream, "bench");
        for (const auto column : {column_incarnation, column_epoch, column_seq, column_row}) {
            batch.put_integer(column, static_cast<std::int64_t>(row / rows_per_block));
        }
        batch.put_integer(column_event_time,
                          test::noon_us + static_cast<std::int64_t>(row) * 1'000'000);
        batch.put_integer(column_receive_time, test::noon_us);
        for (std::size_t f = 0; f < fields; ++f) {
            batch.put_real(data_columns + f, static_cast<double>(value_at(row, f)) / 100);
        }
        batch.end_row();
    }
    sim::SimDisk disk;
    LocalStore store{disk};
    for (auto _ : state) {
        const auto object = std::move(store.begin()).value();
        LH_CHECK(write_parquet(batch, batch.arrival_order(), *object).ok());
    }
    state.SetItemsProcessed(state.iterations() * std::int64_t{rows_total});
}
BENCHMARK(rows_limit)
    ->Name("rows of 8 fields from journal to table/limit: Arrow alone")
    ->Unit(benchmark::kMillisecond);

}  // namespace
