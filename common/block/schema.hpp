// A schema: what the samples of a stream look like. Content-addressed and never changed.
//
// Specification: docs/spec/schema.md. A Schema does not own its texts: they lie in the canonical
// encoding (or in constant data of a firmware image), which must outlive it. StoredSchema owns
// both.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/block/limits.hpp"

namespace longhaul {

enum class FieldKind : std::uint8_t {
    integer = 1,  // signed 64 bits
    decimal = 2,  // integer times 10^-scale
    boolean = 3,
    enumeration = 4,  // index into the labels
    text = 5,         // UTF-8
    bytes = 6,
    float32 = 7,
    float64 = 8,
};

struct Field {
    std::string_view name;  // [a-z][a-z0-9_]*
    std::string_view unit;  // UCUM, may be empty
    std::string_view help;
    std::string_view labels;  // of an enumeration: each ended by '\n', in the order of their values
    FieldKind kind = FieldKind::integer;
    std::uint8_t scale = 0;  // of a decimal
    bool nullable = false;
    bool bounded = false;
    double minimum = 0;  // in the field's unit; meaningful when bounded. For readers: a value
    double maximum = 0;  // out of bounds is carried like any other.

    std::size_t label_count() const;
    std::string_view label(std::size_t index) const;  // empty when there is none
};

enum class TimeKind : std::uint8_t {
    device = 1,  // ticks of the epoch; the writer places them by anchors
    source = 2,  // UTC microseconds exactly as the source gave them
};

struct Schema {
    std::string_view name;
    std::span<const Field> fields;
    TimeKind time = TimeKind::device;
    std::uint32_t tick_us = 1000;  // resolution of device time; 1 for source time
    BlockClass default_class = BlockClass::normal;
    std::uint32_t deadline_ms = 60'000;  // a sample waits no longer than this to be sealed
};

using SchemaHash = std::array<std::byte, 32>;

// Checks one field, without its neighbours.
Status validate_field(const Field& field);

// Checks names, limits and combinations; every other function here may rely on them.
Status validate(const Schema& schema);

// Writes the canonical encoding; fails when the schema is invalid or the room is too small.
Status encode_schema(const Schema& schema, ByteWriter& out);

// Reads a canonical encoding. The fields are put into `storage`, texts point into `encoded`.
Result<Schema> parse_schema(Bytes encoded, std::span<Field, limits::schema_fields_max> storage);

// SHA-256 of a canonical encoding.
SchemaHash schema_hash(Bytes encoded);

}  // namespace longhaul
