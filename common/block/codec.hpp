// Codec 0: the columns of a section as predicted, zigzag-coded varints. Specification: docs/spec/codec.md.
//
// A column is coded by itself, so that a reader may decode straight into its own columns. Neither side
// allocates; at most limits::section_samples_max values a column.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/block/limits.hpp"
#include "common/block/schema.hpp"
#include "common/block/value.hpp"

namespace longhaul {

// The writer turns !ok() when the room is too small; nothing else can fail. Values must fit the field:
// integer for integer, decimal, boolean and enumeration; real for floats and off-grid decimals; text for
// text and bytes; null only when the field is nullable.
void encode_times(std::span<const std::int64_t> times, ByteWriter& out);
void encode_column(const Field& field, std::span<const Value> values, ByteWriter& out);

// Decodes exactly times.size() / values.size() entries. Texts point into the reader's bytes. Anything
// that an encoder would not write for this field is refused as malformed.
Status decode_times(ByteReader& in, std::span<std::int64_t> times);
Status decode_column(const Field& field, ByteReader& in, std::span<Value> values);

// An upper bound of a section's coded size that is kept up to date sample by sample, so that a block
// meets its size limit without encoding again and again. It is the exact size under the delta
// predictor, which the encoder never does worse than.
class SectionBound {
 public:
    // `schema` outlives the bound.
    void begin(const Schema& schema);
    // What the bound would be with this sample.
    std::size_t with(const Sample& sample) const;
    // The sample's texts must stay where they are until begin() is called again.
    void add(const Sample& sample);
    // Bytes of all samples added, section header included.
    std::size_t bytes() const { return bytes_; }

 private:
    struct Column {
        std::int64_t last = 0;
        Bytes last_text;
        bool seen = false;       // an integer, or a text
        bool in_nulls = false;
        bool any_null = false;
        bool any_exception = false;
    };
    static std::size_t growth(const Field& field, const Column& column, const Value& value);

    const Schema* schema_ = nullptr;
    std::int64_t last_time_ = 0;
    std::size_t samples_ = 0;
    std::size_t bytes_ = 0;
    std::array<Column, limits::schema_fields_max> columns_{};
};

}  // namespace longhaul
