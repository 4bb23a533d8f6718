// The samples of a codec-2 section as decisions and literals, whoever takes the decisions: the
// range coder, or the trainer of a model. Specification: docs/spec/codec.md.
#pragma once

#include <algorithm>

#include "common/block/codec2.hpp"
#include "common/block/codec2_column.hpp"
#include "common/block/codec2_format.hpp"

namespace longhaul {

// A Coder has begin_column(set) beside what ColumnEncoder asks for, and moved(column), 0 for time,
// 1 for the first field: of a column of numbers that is moved only the first one is coded here.
template <class Coder>
class SectionEncoder {
 public:
    SectionEncoder(std::size_t samples, SectionSource& source, Coder& coder, Codec2Encoder& memory,
                   MutableBytes literals)
        : source_{source},
          coder_{coder},
          memory_{memory},
          literals_{literals.first(std::min(literals.size(), limits::section_plain_bytes_max))},
          rows_{std::span{memory.rows}.first(samples)} {}

    void times() {
        coder_.begin_column(ContextSet::time);
        std::fill(rows_.begin(), rows_.end(), std::uint8_t{0});
        const auto values = std::span{memory_.integers}.first(rows_.size());
        source_.read_times(values);
        column_.integers(values.first(coder_.moved(0) ? 1 : values.size()), rows_);
    }

    void field(std::size_t index, const Field& field) {
        coder_.begin_column(context_set_of(field.kind));
        for (std::uint8_t& row : rows_) row &= row_note::zeros;
        source_.begin_column(index);
        if (is_literal(field.kind)) return literals(field);
        numbers(field, coder_.moved(index + 1));
    }

    bool ok() const { return literals_.ok(); }  // false: no room for the literals
    Bytes literals_written() const { return literals_.written(); }

 private:
    void null_marks(const Field& field, bool any) {
        LH_CHECK(field.nullable || !any);
        if (!field.nullable) return;
        coder_.bit(codec2_context::nulls, any);
        if (any) column_.marks(rows_, 0, row_note::null, codec2_context::null_marks);
    }

    // Whole numbers are collected from the front of the memory, exceptions from its back.
    void numbers(const Field& field, bool moved) {
        std::size_t whole = 0;
        std::size_t exceptions = 0;
        bool nulls = false;
        for (std::uint8_t& row : rows_) {
            const Value value = source_.next();
            if (value.form == ValueForm::integer) {
                memory_.integers[whole++] = value.integer;
            } else if (value.form == ValueForm::null) {
                row |= row_note::null;
                nulls = true;
            } else {
                row |= row_note::exception;
                memory_.integers[memory_.integers.size() - ++exceptions] =
                    static_cast<std::int64_t>(value.real_bits);
            }
        }
        null_marks(field, nulls);
        LH_CHECK(exceptions == 0 || field.kind == FieldKind::decimal);
        if (field.kind == FieldKind::decimal) exception_marks(exceptions);
        if (moved) whole = std::min<std::size_t>(whole, 1);
        column_.integers(std::span{memory_.integers}.first(whole), rows_);
    }

    void exception_marks(std::size_t exceptions) {
        coder_.bit(codec2_context::exceptions, exceptions != 0);
        if (exceptions == 0) return;
        column_.marks(rows_, row_note::null, row_note::exception, codec2_context::exception_marks);
        for (std::size_t i = 1; i <= exceptions; ++i) {
            const std::int64_t bits = memory_.integers[memory_.integers.size() - i];
            coder_.raw(static_cast<std::uint64_t>(bits), 64);
        }
    }

    void literals(const Field& field) {
        std::size_t values = 0;
        bool nulls = false;
        for (std::uint8_t& row : rows_) {
            const Value value = source_.next();
            if (value.form == ValueForm::null) {
                row |= row_note::null;
                nulls = true;
                continue;
            }
            const std::size_t back = literal(field, value, values);
            if (values++ != 0) memory_.integers[values - 2] = static_cast<std::int64_t>(back);
        }
        null_marks(field, nulls);
        if (values > 1) column_.integers(std::span{memory_.integers}.first(values - 1), rows_, 1);
    }

    // How many values back the same one is; 0 when it is written.
    std::size_t literal(const Field& field, const Value& value, std::size_t before) {
        std::array<std::byte, 8> bits;
        const Bytes bytes = literal_bytes(field.kind, value, bits);
        auto& places = memory_.literals;
        Codec2Encoder::LiteralPlace& here = places[before % places.size()];
        const std::uint16_t tag = literal_tag(bytes);
        const std::size_t back_max = std::min(before, places.size() - 1);
        for (std::size_t back = 1; back <= back_max; ++back) {
            const Codec2Encoder::LiteralPlace& place = places[(before - back) % places.size()];
            if (place.tag != tag || place.size != bytes.size()) continue;
            if (!equal(literals_.written().subspan(place.offset, place.size), bytes)) continue;
            here = place;
            return back;
        }
        if (has_length(field.kind)) literals_.varint(bytes.size());
        here = {static_cast<std::uint16_t>(literals_.size()),
                static_cast<std::uint16_t>(bytes.size()), tag};
        literals_.bytes(bytes);
        if (!literals_.ok()) here = {};  // nothing of this section will be used
        return 0;
    }

    SectionSource& source_;
    Coder& coder_;
    Codec2Encoder& memory_;
    ByteWriter literals_;
    std::span<std::uint8_t> rows_;
    ColumnEncoder<Coder> column_{coder_};
};

}  // namespace longhaul
