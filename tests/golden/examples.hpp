// What the golden files hold, as values: three schemas and the samples of two sections.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "common/block/codec.hpp"
#include "tests/support/hex.hpp"

namespace longhaul::test {

// schema/optical-v1.hex
struct OpticalSchema {
    std::array<Field, 3> fields{Field{.name = "value",
                                      .unit = "1",
                                      .help = "bit error ratio",
                                      .labels = {},
                                      .kind = FieldKind::decimal,
                                      .scale = 8},
                                Field{.name = "side",
                                      .unit = {},
                                      .help = {},
                                      .labels = "A\nZ\n",
                                      .kind = FieldKind::enumeration,
                                      .nullable = true},
                                Field{.name = "och",
                                      .unit = {},
                                      .help = {},
                                      .labels = {},
                                      .kind = FieldKind::integer,
                                      .bounded = true,
                                      .minimum = 1,
                                      .maximum = 96}};
    Schema schema{.name = "pre_fec_ber", .fields = fields, .time = TimeKind::source, .tick_us = 1};
};

// A field without unit, help, labels and bounds.
inline Field plain_field(std::string_view name, FieldKind kind, bool nullable = false) {
    return {.name = name, .unit = {}, .help = {}, .labels = {}, .kind = kind, .nullable = nullable};
}

// schema/every-kind-v1.hex
struct EveryKindSchema {
    std::array<Field, 9> fields{plain_field("count", FieldKind::integer),
                                Field{.name = "level",
                                      .unit = "m",
                                      .help = "above the sill",
                                      .labels = {},
                                      .kind = FieldKind::decimal,
                                      .scale = 2,
                                      .nullable = true,
                                      .bounded = true,
                                      .minimum = -0.5,
                                      .maximum = 10},
                                plain_field("open", FieldKind::boolean),
                                Field{.name = "state",
                                      .unit = {},
                                      .help = {},
                                      .labels = "off\non\n",
                                      .kind = FieldKind::enumeration,
                                      .nullable = true},
                                plain_field("note", FieldKind::text, true),
                                plain_field("raw", FieldKind::bytes),
                                plain_field("ratio", FieldKind::float32),
                                Field{.name = "heat",
                                      .unit = "Cel",
                                      .help = "\xc2\xb0"
                                              "C",
                                      .labels = {},
                                      .kind = FieldKind::float64},
                                plain_field("spare", FieldKind::integer, true)};
    Schema schema{.name = "every_kind",
                  .fields = fields,
                  .time = TimeKind::device,
                  .tick_us = 1000,
                  .default_class = BlockClass::live,
                  .deadline_ms = 5000};
};

// schema/predictors-v1.hex
struct PredictorsSchema {
    std::array<Field, 7> fields{
        plain_field("constant", FieldKind::integer), plain_field("none", FieldKind::integer),
        plain_field("delta", FieldKind::integer),    plain_field("steady", FieldKind::integer),
        plain_field("halving", FieldKind::integer),  plain_field("hundreds", FieldKind::integer),
        plain_field("far", FieldKind::integer)};
    Schema schema{.name = "predictors", .fields = fields, .time = TimeKind::source, .tick_us = 1};
};

struct SectionExample {
    std::vector<std::int64_t> times;
    std::vector<std::vector<Value>> columns;
};

inline std::vector<Value> integers(std::initializer_list<std::int64_t> list) {
    std::vector<Value> values;
    for (const std::int64_t value : list) values.push_back(Value::of_integer(value));
    return values;
}

// codec/every-kind-v1.hex
inline SectionExample every_kind_section() {
    static const std::array raw{from_hex("00ff"), from_hex("01")};
    const auto text = [](std::string_view value) { return Value::of_text(as_bytes(value)); };
    const auto integer = Value::of_integer;
    const Value null;
    return {{1000, 1010, 1020, 1035, 1045, 1055},
            {integers({7, 7, 7, 7, 7, 7}),
             {integer(150), null, null, Value::of_real(1.005), integer(151), integer(149)},
             integers({0, 1, 1, 0, 0, 1}),
             {null, integer(1), integer(1), integer(0), integer(1), null},
             {text("door"), text("door"), null, text(""), text("T\xc3\xbcr"), text("T\xc3\xbcr")},
             {Value::of_text(raw[0]), Value::of_text(raw[0]), text(""), Value::of_text(raw[1]),
              Value::of_text(raw[1]), Value::of_text(raw[1])},
             std::vector<Value>(6, Value::of_float32(1.5F)),
             {Value::of_real(std::bit_cast<double>(0x7ff8'dead'beef'0001)), Value::of_real(-0.0),
              Value::of_real(0.0), Value::of_real(std::bit_cast<double>(0x7ff0'0000'0000'0000)),
              Value::of_real(5e-324), Value::of_real(2.5)},
             std::vector<Value>(6)}};
}

// codec/predictors-v1.hex
inline SectionExample predictors_section() {
    constexpr std::int64_t begin = 1'700'000'000'000'000;
    constexpr std::int64_t second = 1'000'000;
    return {
        {begin, begin + second, begin + 2 * second, begin + 3 * second, begin + 2 * second,
         begin + 3 * second, begin + 4 * second, begin + 5 * second},
        {integers({42, 42, 42, 42, 42, 42, 42, 42}), integers({0, 50, -50, 50, -50, 50, -50, 50}),
         integers({1000, 1060, 1070, 1130, 1140, 1200, 1210, 1270}),
         integers({5, 305, 605, 905, 1205, 1505, 1805, 2106}),
         integers({0, 1024, 1536, 1792, 1920, 1984, 2016, 2032}),
         integers({7, 707, 307, 907, 107, 507, 7, 1207}),
         integers({INT64_MIN, INT64_MAX, 0, -1, 1, INT64_MIN, INT64_MAX, INT64_MAX})}};
}

inline bool same(const Value& a, const Value& b) {
    if (a.form != b.form) return false;
    if (a.form == ValueForm::integer) return a.integer == b.integer;
    if (a.form == ValueForm::real) return a.real_bits == b.real_bits;
    return a.form == ValueForm::null || equal(a.text, b.text);
}

inline bool same(const Field& a, const Field& b) {
    return a.name == b.name && a.unit == b.unit && a.help == b.help && a.labels == b.labels &&
           a.kind == b.kind && a.scale == b.scale && a.nullable == b.nullable &&
           a.bounded == b.bounded && a.minimum == b.minimum && a.maximum == b.maximum;
}

}  // namespace longhaul::test
