// What codecs 1 and 2 know before the first sample: the probabilities with which the columns begin,
// a dictionary for zstd, and what codec 3 does with which column. Specification:
// docs/spec/codec2.md, docs/spec/codec3.md.
//
//    0  u8   version = 1
//    1  u8   columns
//       for each column: u8 runs; for each: u8 left out, u8 entries, u16 each
//       varint length, dictionary
//       u8 columns of codec 3; for each: u8 column, u8 form, u8 key, u8 width    if anything is
//       left examples: u8 samples - 1, varint length, section each
#pragma once

#include <array>
#include <cstdint>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/block/codec2_contexts.hpp"

namespace longhaul {

using ModelHash = std::array<std::byte, 32>;  // SHA-256 of the encoded model

// How codec 3 takes a column.
enum class MixForm : std::uint8_t {
    in_place,
    as_it_is,
    difference,
    from_time_us,  // difference to the time of the sample, in this unit
    from_time_ms,
    from_time_s,
};
// The columns of these come after the times.
constexpr bool is_from_time(MixForm form) { return form >= MixForm::from_time_us; }

struct MixEntry {
    std::uint8_t column = 0;  // 0 time, 1 the first field
    MixForm form = MixForm::in_place;
    std::uint8_t key = 0;    // a field, 1 the first one; 0: none
    std::uint8_t width = 0;  // bytes of a number of a column that is moved
};
MixEntry read_mix_entry(ByteReader& in);

// A view of an encoded model, which must outlive it. The default is model 0, the built-in one.
class Model {
 public:
    Model() = default;
    // Every decision begins at one half: what the coder learns from the section alone. For
    // measurements; no section names it.
    static Model cold();
    // Checks everything; what cannot be read is refused as malformed, truncated or too_large.
    static Result<Model> parse(Bytes encoded);

    std::size_t column_count() const { return column_count_; }
    Bytes columns() const { return columns_; }
    Bytes dictionary() const { return dictionary_; }
    Bytes mix_entries() const { return mix_entries_; }  // checked; for read_mix_entry
    Bytes mix_examples() const { return mix_examples_; }

 private:
    friend class ModelReader;
    Bytes columns_;
    std::size_t column_count_ = 0;
    Bytes dictionary_;
    Bytes mix_entries_;
    Bytes mix_examples_;
    bool cold_ = false;
};

// Gives out the tables of a section's columns in their order: time, then the fields.
class ModelReader {
 public:
    explicit ModelReader(const Model& model)
        : rest_{model.columns_}, columns_left_{model.column_count_}, cold_{model.cold_} {}
    void next_column(ContextSet set, ColumnContexts& contexts);

 private:
    Bytes rest_;
    std::size_t columns_left_;
    bool cold_;
};

ModelHash model_hash(Bytes encoded);

// Starting probabilities of a column: of each context the probability of "no" in units of 2^-12,
// above how often it counts as seen.
using StoredContexts = std::array<std::uint16_t, codec2_context::count>;
inline constexpr std::uint16_t stored_half = 0x8000;

// A column of an encoded model: the contexts that differ from one half.
void write_model_column(const StoredContexts& contexts, ByteWriter& out);

// The built-in columns, encoded. Made by tools/train_builtin_model.
Bytes builtin_column(ContextSet set);

}  // namespace longhaul
