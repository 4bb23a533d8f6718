#include <limits>
#include <random>

#include "tests/unit/agent/core/builder_bench.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

const std::vector<Field> every_kind = {
    field_of(FieldKind::integer, "a"),          field_of(FieldKind::decimal, "b", 3, true),
    field_of(FieldKind::boolean, "c"),          field_of(FieldKind::enumeration, "d", 0, true),
    field_of(FieldKind::text, "e", 0, true),    field_of(FieldKind::bytes, "f"),
    field_of(FieldKind::float32, "g", 0, true), field_of(FieldKind::float64, "h"),
};

// Values of every form that a field of this kind may have; the texts live in `texts`.
Value random_value(const Field& field, std::mt19937_64& random, std::deque<std::string>& texts) {
    if (field.nullable && random() % 5 == 0) return {};
    switch (field.kind) {
        case FieldKind::integer:
            return Value::of_integer(static_cast<std::int64_t>(random()));
        case FieldKind::decimal:
            if (random() % 7 == 0) return Value::of_real(std::numeric_limits<double>::quiet_NaN());
            return Value::of_integer(static_cast<std::int64_t>(random() % 100'000) - 50'000);
        case FieldKind::boolean:
            return Value::of_integer(static_cast<std::int64_t>(random() % 2));
        case FieldKind::enumeration:
            return Value::of_integer(static_cast<std::int64_t>(random() % 3));
        case FieldKind::text:
        case FieldKind::bytes:
            return Value::of_text(
                as_bytes(texts.emplace_back(random() % 40, static_cast<char>('a' + random() % 3))));
        case FieldKind::float32:
            return Value::of_float32(static_cast<float>(random() % 1000) / 8);
        case FieldKind::float64:
            return Value::of_real(-0.0);
    }
    return {};
}

}  // namespace

TEST_CASE("builder: samples of every kind come back from the blocks, in order and bit-exact") {
    const OwnedSchema schema{"all", every_kind};
    const std::array<std::size_t, 4> sizes{300, 1100, 4096, 16384};
    for (unsigned round = 0; round < sizes.size() * (usual_codecs + 1U); ++round) {
        const std::size_t body_bytes = sizes[round % sizes.size()];
        const auto codecs = static_cast<CodecSet>(round / sizes.size());
        CAPTURE(body_bytes, static_cast<int>(codecs));
        BuilderBench bench{{schema.stream()}, body_bytes, 32 * 1024, codecs};
        std::mt19937_64 random{round};
        std::deque<std::string> texts;
        std::vector<std::int64_t> times;
        std::vector<std::vector<Value>> rows;
        for (int i = 0; i < 700; ++i) {
            times.push_back(static_cast<std::int64_t>(random() % 1'000'000) - 500'000);
            auto& row = rows.emplace_back();
            for (const Field& field : every_kind) row.push_back(random_value(field, random, texts));
            REQUIRE(bench.add({1, times.back(), row}));
        }
        bench.seal_all();

        std::size_t n = 0;
        for (const DecodedSection& section : bench.sections) {
            CHECK((section.codec == codec_columns || (codecs >> section.codec & 1) != 0));
            for (std::size_t i = 0; i < section.times.size(); ++i, ++n) {
                REQUIRE(section.times[i] == times[n]);
                for (std::size_t f = 0; f < every_kind.size(); ++f) {
                    REQUIRE(same_value(section.columns[f][i], rows[n][f]));
                }
            }
        }
        CHECK(n == rows.size());
        for (const std::size_t size : bench.sizes) CHECK(size <= block_header_bytes + body_bytes);
        CHECK(bench.builder->empty());
    }
}

TEST_CASE("builder: blocks are filled close to their limit") {
    const OwnedSchema schema{
        "flow", {field_of(FieldKind::integer, "a"), field_of(FieldKind::integer, "b")}};
    BuilderBench bench{{schema.stream()}, 512};
    std::mt19937_64 random{5};
    for (int i = 0; i < 2000; ++i) {
        const std::array row{Value::of_integer(static_cast<std::int64_t>(random() % 200)),
                             Value::of_integer(static_cast<std::int64_t>(random() % 50'000))};
        REQUIRE(bench.add({1, i * 1000, row}));
    }
    REQUIRE(bench.sizes.size() > 3);
    for (const std::size_t size : bench.sizes) CHECK(size > 400);
}

TEST_CASE("builder: a block is due at the earliest deadline among its streams, an alarm at once") {
    const OwnedSchema slow{"slow", {field_of(FieldKind::integer, "a")}, 60'000};
    const OwnedSchema fast{"fast", {field_of(FieldKind::integer, "a")}, 500};
    BuilderBench bench{{slow.stream(), fast.stream(), slow.stream(BlockClass::alarm)}};
    const std::array row{Value::of_integer(1)};

    CHECK(bench.builder->due_at(BlockClass::normal) == MonotonicMs::never());
    REQUIRE(bench.add({1, 0, row}, {100}));
    CHECK(bench.builder->due_at(BlockClass::normal) == MonotonicMs{60'100});
    REQUIRE(bench.add({2, 0, row}, {200}));
    CHECK(bench.builder->due_at(BlockClass::normal) == MonotonicMs{700});
    REQUIRE(bench.add({2, 0, row}, {300}));
    CHECK(bench.builder->due_at(BlockClass::normal) == MonotonicMs{700});
    REQUIRE(bench.add({3, 0, row}, {400}));
    CHECK(bench.builder->due_at(BlockClass::alarm) == MonotonicMs{400});

    bench.seal(BlockClass::alarm);
    CHECK(bench.builder->empty(BlockClass::alarm));
    CHECK_FALSE(bench.builder->empty(BlockClass::normal));
    bench.seal(BlockClass::normal);
    REQUIRE(bench.blocks.size() == 2);
    CHECK(bench.blocks[1].samples == 3);
    CHECK(bench.blocks[1].first_us == 100'000);
    CHECK(bench.blocks[1].last_us == 300'000);
    CHECK(bench.builder->due_at(BlockClass::normal) == MonotonicMs::never());
}

TEST_CASE(
    "builder: 256 samples of a stream make its block due, another stream's samples stay in it") {
    const OwnedSchema schema{"tick", {field_of(FieldKind::boolean, "a")}};
    BuilderBench bench{{schema.stream(), schema.stream()}, 16384};
    const std::array row{Value::of_integer(1)};
    for (int i = 0; i < 255; ++i) REQUIRE(bench.add({1, i, row}, {1}));
    REQUIRE(bench.add({2, 0, row}, {1}));
    CHECK(bench.builder->due_at(BlockClass::normal) > MonotonicMs{9});
    REQUIRE(bench.add({1, 255, row}, {9}));
    CHECK(bench.builder->due_at(BlockClass::normal) == MonotonicMs{9});
    CHECK(bench.builder->fit({1, 256, row}, 0) == BlockBuilder::Fit::after_class);
    CHECK(bench.builder->fit({2, 256, row}, 0) == BlockBuilder::Fit::yes);
}

TEST_CASE("builder: a class that is not sealed takes no room from the others") {
    const OwnedSchema schema{"note", {field_of(FieldKind::text, "a")}};
    BuilderBench bench{{schema.stream(), schema.stream(BlockClass::bulk)}, 16384, 2048};
    const std::string text(200, 'x');
    const std::array row{Value::of_text(as_bytes(text))};
    int bulk = 0;
    while (bench.builder->fit({2, bulk, row}, 0) == BlockBuilder::Fit::yes)
        bench.builder->add({2, bulk++, row}, {}, 0);
    CHECK(bench.builder->fit({2, bulk, row}, 0) == BlockBuilder::Fit::after_class);
    for (int i = 0; i < 40; ++i) REQUIRE(bench.add({1, i, row}));
    CHECK(bench.blocks.size() >= 9);
    bench.seal_all();
    CHECK(bench.builder->empty());
    std::size_t samples = 0;
    for (const SpoolTag& tag : bench.blocks) samples += tag.samples;
    CHECK(samples == 40 + static_cast<std::size_t>(bulk));
}

TEST_CASE("builder: a sample that is larger than a block or the arena fits never") {
    const OwnedSchema schema{"note", {field_of(FieldKind::text, "a")}};
    const std::string text(400, 'x');
    const std::array row{Value::of_text(as_bytes(text))};
    BuilderBench small_block{{schema.stream()}, 300};
    CHECK_FALSE(small_block.add({1, 0, row}));
    BuilderBench small_arena{{schema.stream()}, 4096, 256};
    CHECK_FALSE(small_arena.add({1, 0, row}));
}

TEST_CASE("builder: room for system entries is kept free") {
    const OwnedSchema schema{"flow", {field_of(FieldKind::integer, "a")}};
    BuilderBench bench{{schema.stream()}, 300};
    std::mt19937_64 random{3};
    constexpr std::size_t reserve = 60;
    for (;;) {
        const std::array row{Value::of_integer(static_cast<std::int64_t>(random()))};
        const Sample sample{1, 0, row};
        if (bench.builder->fit(sample, reserve) != BlockBuilder::Fit::yes) break;
        bench.builder->add(sample, {}, 0);
        CHECK(bench.builder->system_room(BlockClass::normal) + limits::section_header_bytes_max >=
              reserve);
    }
    CHECK(bench.builder->system_room(BlockClass::normal) + limits::section_header_bytes_max <
          reserve + 40);
}
