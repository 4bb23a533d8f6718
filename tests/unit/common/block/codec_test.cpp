#include "common/block/codec.hpp"
#include "common/block/section_bound.hpp"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/support/hex.hpp"

using namespace longhaul;

namespace {

std::vector<std::byte> encode(const Field& field, std::span<const Value> values) {
    std::vector<std::byte> room(64 * 1024);
    ByteWriter out{room};
    encode_column(field, values, out);
    REQUIRE(out.ok());
    room.resize(out.size());
    return room;
}

bool same(const Value& a, const Value& b) {
    if (a.form != b.form) return false;
    switch (a.form) {
        case ValueForm::null:
            return true;
        case ValueForm::integer:
            return a.integer == b.integer;
        case ValueForm::real:
            return a.real_bits == b.real_bits;
        case ValueForm::text:
            return equal(a.text, b.text);
    }
    return false;
}

void check_round_trip(const Field& field, std::span<const Value> values) {
    const auto bytes = encode(field, values);
    ByteReader in{bytes};
    std::vector<Value> back(values.size());
    REQUIRE(decode_column(field, in, back).ok());
    CHECK(in.at_end());
    for (std::size_t i = 0; i < values.size(); ++i) {
        CAPTURE(i);
        REQUIRE(same(values[i], back[i]));
    }
}

Field field_of(FieldKind kind, bool nullable = false) {
    return {.name = "x",
            .unit = {},
            .help = {},
            .labels = kind == FieldKind::enumeration ? "a\nb\nc\n" : "",
            .kind = kind,
            .scale = static_cast<std::uint8_t>(kind == FieldKind::decimal ? 2 : 0),
            .nullable = nullable};
}

std::vector<Value> integers(std::initializer_list<std::int64_t> list) {
    std::vector<Value> values;
    for (const std::int64_t v : list) values.push_back(Value::of_integer(v));
    return values;
}

}  // namespace

TEST_CASE("codec 0: the worked columns of the specification") {
    struct Case {
        const char* what;
        std::vector<Value> values;
        const char* hex;
    };
    const Case cases[] = {
        {"constant", integers({7, 7, 7}), "100e"},
        {"a steady step by delta of delta", integers({1000, 1300, 1600, 1900}), "02d00fd8040000"},
        {"multiples of 100 by their divisor", integers({0, 700, 300, 900, 100, 500}),
         "2100640e070c0f08"},
        {"small steps by delta", integers({5, 6, 4, 4}), "010a020300"},
        {"one value", integers({-1}), "1001"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.what);
        CHECK(test::to_hex(encode(field_of(FieldKind::integer), c.values)) == c.hex);
    }
    const std::vector<Value> nulls{Value{}, Value::of_integer(3), Value::of_integer(3), Value{}};
    CHECK(test::to_hex(encode(field_of(FieldKind::integer, true), nulls)) == "140001020106");
    const std::vector<Value> texts{Value::of_text(as_bytes("ab")), Value::of_text(as_bytes("ab")),
                                   Value::of_text(as_bytes(""))};
    CHECK(test::to_hex(encode(field_of(FieldKind::text), texts)) == "000361620001");
    const std::vector<Value> off_grid{Value::of_integer(150), Value::of_real(1.005),
                                      Value::of_integer(150)};
    CHECK(test::to_hex(encode(field_of(FieldKind::decimal), off_grid)) ==
          "18010114ae47e17a14f03fac02");
}

TEST_CASE("codec 0: integers of any distance come back") {
    check_round_trip(field_of(FieldKind::integer),
                     integers({INT64_MIN, INT64_MAX, 0, -1, 1, INT64_MIN, INT64_MIN, INT64_MAX}));
    check_round_trip(field_of(FieldKind::integer), integers({0, INT64_MIN, 0, INT64_MIN}));
    check_round_trip(field_of(FieldKind::integer), integers({-5, INT64_MAX - 4, -5}));
}

TEST_CASE("codec 0: floats come back bit by bit") {
    const double nan_payload = std::bit_cast<double>(0x7ff8'dead'beef'0001);
    const std::vector<Value> doubles{Value::of_real(nan_payload), Value::of_real(-0.0),
                                     Value::of_real(0.0), Value::of_real(INFINITY),
                                     Value::of_real(5e-324)};
    check_round_trip(field_of(FieldKind::float64), doubles);
    const std::vector<Value> floats{Value::of_float32(-0.0F), Value::of_float32(NAN),
                                    Value::of_float32(1.5F)};
    check_round_trip(field_of(FieldKind::float32), floats);
    check_round_trip(field_of(FieldKind::decimal), doubles);
    check_round_trip(field_of(FieldKind::float64), std::vector<Value>(200, Value::of_real(2.5)));
}

TEST_CASE("codec 0: empty and all-null columns come back") {
    check_round_trip(field_of(FieldKind::integer), {});
    for (const FieldKind kind : {FieldKind::integer, FieldKind::float64, FieldKind::text}) {
        check_round_trip(field_of(kind, true), std::vector<Value>(256));
    }
}

namespace {

// A value of the field's kind with at most `magnitude` bits; `text` owns what it points to.
Value random_value(std::mt19937_64& random, const Field& field, int magnitude, std::string& text) {
    const auto number = static_cast<std::int64_t>(random() & ((std::uint64_t{1} << magnitude) - 1));
    if (field.nullable && random() % 5 == 0) return {};
    switch (field.kind) {
        case FieldKind::boolean:
            return Value::of_integer(number & 1);
        case FieldKind::enumeration:
            return Value::of_integer(number % 3);
        case FieldKind::float32:
            return Value::of_float32(std::bit_cast<float>(static_cast<std::uint32_t>(number)));
        case FieldKind::float64:
            return Value::of_real(static_cast<double>(number) / 7);
        case FieldKind::text:
        case FieldKind::bytes:
            text.assign(static_cast<std::size_t>(number % 40), static_cast<char>('a' + number % 3));
            return Value::of_text(as_bytes(text));
        case FieldKind::decimal:
            return random() % 9 == 0 ? Value::of_real(1.0 / 3) : Value::of_integer(number);
        case FieldKind::integer:
            return Value::of_integer(random() % 2 == 0 ? 300 * number : -300 * number);
    }
    return {};
}

// What a section of these samples takes at most, found sample by sample.
std::size_t bound_of(const Field& field, std::span<const std::int64_t> times,
                     std::span<const Value> values) {
    const Schema schema{.name = "s", .fields = {&field, 1}, .time = TimeKind::source, .tick_us = 1};
    std::array<SectionBound::Column, 1> column;
    SectionBound bound{column};
    bound.begin(schema);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const Sample sample{1, times[i], values.subspan(i, 1)};
        if (i == 0) REQUIRE(SectionBound::alone(schema, sample) == bound.with(sample));
        const std::size_t with = bound.with(sample);
        bound.add(sample);
        REQUIRE(bound.bytes() == with);
    }
    return bound.bytes();
}

}  // namespace

TEST_CASE("codec 0: whatever a seeded source yields comes back, and never exceeds the bound") {
    constexpr std::uint64_t seed = 20261121;
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const FieldKind kinds[] = {FieldKind::integer,     FieldKind::decimal, FieldKind::boolean,
                               FieldKind::enumeration, FieldKind::text,    FieldKind::bytes,
                               FieldKind::float32,     FieldKind::float64};
    for (int round = 0; round < 400; ++round) {
        CAPTURE(round);
        const Field field = field_of(kinds[random() % std::size(kinds)], random() % 2 == 0);
        const std::size_t count = 1 + random() % limits::section_samples_max;
        const auto magnitude = static_cast<int>(random() % 53);
        std::vector<std::string> texts(count);
        std::vector<Value> values(count);
        std::vector<std::int64_t> times(count);
        for (std::size_t i = 0; i < count; ++i) {
            times[i] = static_cast<std::int64_t>(random()) >> (random() % 64);
            values[i] = random_value(random, field, magnitude, texts[i]);
        }
        check_round_trip(field, values);

        std::vector<std::byte> room(64 * 1024);
        ByteWriter out{room};
        encode_times(times, out);
        encode_column(field, values, out);
        REQUIRE(out.ok());
        CHECK(out.size() + limits::section_header_bytes_max <= bound_of(field, times, values));
        ByteReader in{out.written()};
        std::vector<std::int64_t> times_back(count);
        REQUIRE(decode_times(in, times_back).ok());
        CHECK(times_back == times);
    }
}

TEST_CASE("codec 0: columns that no encoder writes are refused") {
    struct Case {
        const char* what;
        FieldKind kind;
        bool nullable;
        std::size_t count;
        const char* hex;
    };
    const Case cases[] = {
        {"nothing at all", FieldKind::integer, false, 1, ""},
        {"unknown head bits", FieldKind::integer, false, 1, "4002"},
        {"constant with a predictor", FieldKind::integer, false, 2, "1102"},
        {"nulls in a field that has none", FieldKind::integer, false, 2,
         "140101"
         "02"},
        {"null runs that are too long", FieldKind::integer, true, 2, "14010202"},
        {"an empty null run", FieldKind::integer, true, 2, "1401000102"},
        {"null runs without a null", FieldKind::integer, true, 2, "140202"},
        {"divisor 1", FieldKind::integer, false, 2, "20020102"},
        {"a multiple of the divisor over 64 bits", FieldKind::integer, false, 2,
         "2000ffffffffffffffff7f04"},
        {"exceptions in an integer", FieldKind::integer, false, 1, "0801000000000000000000"},
        {"more exceptions than values", FieldKind::decimal, false, 1, "0802"},
        {"an exception behind the end", FieldKind::decimal, false, 1, "08010100000000000000000002"},
        {"boolean 2", FieldKind::boolean, false, 1, "1004"},
        {"a label that is not there", FieldKind::enumeration, false, 1, "1006"},
        {"a decimal of 2^53", FieldKind::decimal, false, 1,
         "1080808080808080"
         "20"},
        {"text before any text", FieldKind::text, false, 1, "0000"},
        {"text over the limit", FieldKind::text, false, 1, "008210"},
        {"text cut short", FieldKind::text, false, 1, "000561"},
        {"float with a predictor", FieldKind::float64, false, 1, "010000000000000000"},
        {"integers cut short", FieldKind::integer, false, 3, "010a02"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.what);
        const auto bytes = test::from_hex(c.hex);
        ByteReader in{bytes};
        std::vector<Value> values(c.count);
        CHECK_FALSE(decode_column(field_of(c.kind, c.nullable), in, values).ok());
    }
}
