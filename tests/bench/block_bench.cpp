// Blocks: sealing and opening beside the cipher alone, decoding beside a copy of the decoded
// values.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "common/block/codec.hpp"
#include "tests/unit/collector/writer/device_maker.hpp"

using namespace longhaul;

namespace {

constexpr std::size_t body_bytes = 1024;
const BlockName name{{1}, {1}, BlockSeq::of(BlockClass::normal, 1)};

void open_ours(benchmark::State& state) {
    LH_CHECK(crypto_init().ok());
    const std::vector<std::byte> body(body_bytes);
    std::vector<std::byte> sealed(block_bytes_max);
    std::vector<std::byte> opened(block_bytes_max);
    const std::size_t size = seal_block({}, name, 1, body, sealed).value();
    for (auto _ : state) {
        benchmark::DoNotOptimize(open_block({}, Bytes{sealed}.first(size), opened));
    }
    state.SetBytesProcessed(state.iterations() * std::int64_t{body_bytes});
}
BENCHMARK(open_ours)->Name("open a block of 1 KiB/ours");

// The limit: the same work on sixteen times the bytes, where what a block costs apart from them
// vanishes.
void open_limit(benchmark::State& state) {
    LH_CHECK(crypto_init().ok());
    constexpr std::size_t large = 16 * body_bytes;
    const std::vector<std::byte> plain(large);
    std::vector<std::byte> sealed(large + aead_tag_bytes);
    std::vector<std::byte> opened(large);
    LH_CHECK(aead_seal({}, {}, {}, plain, sealed).ok());
    for (auto _ : state) benchmark::DoNotOptimize(aead_open({}, {}, {}, sealed, opened).ok());
    state.SetBytesProcessed(state.iterations() * std::int64_t{large});
}
BENCHMARK(open_limit)->Name("open a block of 1 KiB/limit: AES-GCM in long pieces");

constexpr std::size_t rows = limits::section_samples_max;

std::vector<Value> walk() {
    std::vector<Value> values;
    for (std::size_t i = 0; i < rows; ++i) {
        values.push_back(Value::of_integer(static_cast<std::int64_t>(30'000'000 + i * i % 977)));
    }
    return values;
}

void decode_ours(benchmark::State& state) {
    const Field field = test::field("x", FieldKind::decimal, 6);
    std::vector<std::byte> room(rows * 10);
    ByteWriter out{room};
    encode_column(field, walk(), out);
    std::vector<Value> values(rows);
    for (auto _ : state) {
        ByteReader in{out.written()};
        benchmark::DoNotOptimize(decode_column(field, in, values).ok());
    }
    state.SetItemsProcessed(state.iterations() * std::int64_t{rows});
}
BENCHMARK(decode_ours)->Name("decode a column of codec 0/ours");

void decode_limit(benchmark::State& state) {
    const std::vector<Value> from = walk();
    std::vector<Value> to(rows);
    for (auto _ : state) {
        std::copy(from.begin(), from.end(), to.begin());
        benchmark::DoNotOptimize(to.data());
    }
    state.SetItemsProcessed(state.iterations() * std::int64_t{rows});
}
BENCHMARK(decode_limit)->Name("decode a column of codec 0/limit: a copy of the values");

}  // namespace
