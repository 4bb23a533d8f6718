// Codec 0: the columns of a section as predicted, zigzag-coded varints. Specification:
// docs/spec/codec.md.
//
// A column is coded by itself, so that a reader may decode straight into its own columns. Neither
// side allocates; at most limits::section_samples_max values a column.
#pragma once

#include <cstdint>
#include <span>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/block/limits.hpp"
#include "common/block/schema.hpp"
#include "common/block/value.hpp"

namespace longhaul {

// The writer turns !ok() when the room is too small; nothing else can fail. Values must fit the
// field: integer for integer, decimal, boolean and enumeration; real for floats and off-grid
// decimals; text for text and bytes; null only when the field is nullable.
void encode_times(std::span<const std::int64_t> times, ByteWriter& out);
void encode_column(const Field& field, std::span<const Value> values, ByteWriter& out);

// Decodes exactly times.size() / values.size() entries. Texts point into the reader's bytes.
// Anything that an encoder would not write for this field is refused as malformed.
Status decode_times(ByteReader& in, std::span<std::int64_t> times);
Status decode_column(const Field& field, ByteReader& in, std::span<Value> values);

}  // namespace longhaul
