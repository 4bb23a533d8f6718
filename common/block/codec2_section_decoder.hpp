// The columns of a codec-2 section from the range coder, for codecs 2 and 3. Specification:
// docs/spec/codec2.md.
#pragma once

#include <algorithm>

#include "common/base/wrapping.hpp"
#include "common/block/codec2.hpp"
#include "common/block/codec2_column.hpp"
#include "common/block/codec2_format.hpp"
#include "common/block/domain.hpp"

namespace longhaul {

// How a column's numbers follow from its residuals.
struct Coding {
    std::int64_t first = 0;
    std::int64_t divisor = 1;
    Predictor predictor = Predictor::none;
    bool constant = false;
};

inline unsigned read_tree(RangeDecoder& in, ColumnContexts& contexts, std::size_t context,
                          int bits) {
    std::size_t node = 1;
    for (int i = 0; i < bits; ++i) node = node << 1 | (in.bit(contexts[context + node]) ? 1 : 0);
    return static_cast<unsigned>(node) - (1U << bits);
}

// A number of `length` bits, 1 … 64, of which the highest is set.
inline std::uint64_t read_below_highest(RangeDecoder& in, int length) {
    return std::uint64_t{1} << (length - 1) | in.raw(length - 1);
}

inline std::int64_t read_first(RangeDecoder& in, ColumnContexts& contexts) {
    auto length = static_cast<int>(read_tree(in, contexts, codec2_context::first_length, 6));
    if (length == 63 && in.bit(contexts[codec2_context::first_length])) length = 64;
    if (length == 0) return 0;
    const bool negative = in.bit(contexts[codec2_context::first_sign]);
    return signed_of(read_below_highest(in, length), negative);
}

inline Status read_coding(RangeDecoder& in, ColumnContexts& contexts, Coding& coding) {
    coding.constant = in.bit(contexts[codec2_context::constant]);
    if (coding.constant) return {};
    coding.predictor =
        static_cast<Predictor>(read_tree(in, contexts, codec2_context::predictor - 1, 2));
    if (!in.bit(contexts[codec2_context::divisor])) return {};
    const auto length = static_cast<int>(in.raw(6));
    if (length < 2) return Error{ErrorCode::malformed, "divisor of a column"};
    coding.divisor = static_cast<std::int64_t>(read_below_highest(in, length));
    return {};
}

inline int read_length(RangeDecoder& in, ColumnContexts& contexts, const ResidualContext& context) {
    int length = context.expected();
    if (in.bit(contexts[context.more()])) {
        ++length;
        for (int i = 1; length < 64 && in.bit(contexts[context.above(i)]); ++i) ++length;
    } else {
        for (int i = 0; length > 1 && in.bit(contexts[context.below(i)]); ++i) --length;
    }
    return length;
}

inline std::int64_t read_residual(RangeDecoder& in, ColumnContexts& contexts,
                                  ResidualContext& context, std::uint8_t beside) {
    if (!in.bit(contexts[context.zero(beside)])) {
        context.saw(0, false);
        return 0;
    }
    const int length = read_length(in, contexts, context);
    const bool negative = in.bit(contexts[context.sign()]);
    context.saw(length, negative);
    std::uint64_t bits = 1;
    int rest = length - 1;
    if (rest != 0) {
        const std::size_t mantissa = ResidualContext::mantissa(length);
        const bool high = in.bit(contexts[mantissa]);
        bits = high ? 3 : 2;
        if (--rest != 0) {
            bits = bits << 1 | (in.bit(contexts[mantissa + (high ? 2 : 1)]) ? 1 : 0);
            --rest;
        }
        if (rest != 0) bits = bits << rest | in.raw(rest);
    }
    return signed_of(bits, negative);
}

// Reads the column's numbers, `count` of them, and gives each with its row to take(), which says
// whether the field may hold it.
template <class Take>
bool read_numbers(RangeDecoder& decoder, ColumnContexts& contexts, const Coding& coding,
                  std::span<std::uint8_t> rows, std::size_t skip, Take take) {
    RangeDecoder in = decoder;  // a copy that nothing points to stays in registers
    ResidualContext context;
    std::int64_t last = 0;
    std::int64_t before_last = 0;
    bool first = true;
    bool good = true;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::uint8_t& row = rows[i];
        if ((row & (row_note::null | row_note::exception)) != 0) continue;
        if (skip != 0) {
            --skip;
            continue;
        }
        if (first) {
            first = false;
        } else if (coding.constant) {
            row = row_note::with_zero(row, true);
        } else {
            const std::int64_t residual =
                read_residual(in, contexts, context, row & row_note::zeros);
            row = row_note::with_zero(row, residual == 0);
            const std::int64_t value =
                wrapping_add(residual, predict(coding.predictor, last, before_last));
            before_last = last;
            last = value;
        }
        good = take(i, wrapping_add(coding.first, wrapping_multiply(last, coding.divisor))) && good;
    }
    decoder = in;
    return good;
}

// `moved` is empty in codec 2. In codec 3 it says of each column, time first, whether all its
// numbers but the first stand elsewhere; literals do too, and each value's `integer` tells the row
// of its own.
class SectionDecoder {
 public:
    SectionDecoder(Bytes coded, Bytes literals, const Model& model, Codec2Decoder& memory,
                   std::size_t samples, std::span<const bool> moved = {})
        : model_{model},
          memory_{memory},
          in_{coded},
          literals_{literals},
          rows_{std::span{memory.rows}.first(samples)},
          moved_{moved} {
        std::fill(rows_.begin(), rows_.end(), std::uint8_t{0});
    }

    Status times(std::span<std::int64_t> times) {
        model_.next_column(ContextSet::time, memory_.contexts);
        return numbers(0, times.size(), 0, [times](std::size_t i, std::int64_t value) {
            times[i] = value;
            return true;
        });
    }

    Status field(std::size_t index, const Field& field, std::span<Value> values) {
        model_.next_column(context_set_of(field.kind), memory_.contexts);
        for (std::uint8_t& row : rows_) row &= row_note::zeros;
        std::size_t count = values.size();
        if (field.nullable && in_.bit(memory_.contexts[codec2_context::nulls]))
            count -= marks(0, row_note::null, codec2_context::null_marks);
        if (is_literal(field.kind)) return literal_column(field, values, count);
        return number_column(index + 1, field, values, count);
    }

    RangeDecoder& range() { return in_; }  // what stands behind the columns, in codec 3

    Status end() const {
        if (!in_.ended_well()) return Error{ErrorCode::malformed, "end of the coded columns"};
        return literals_.at_end() ? Status{} : Error{ErrorCode::malformed, "literals left over"};
    }

 private:
    // Returns how many rows have the mark.
    std::size_t marks(std::uint8_t skip, std::uint8_t mark, std::size_t context) {
        std::size_t before = 0;
        std::size_t count = 0;
        for (std::uint8_t& row : rows_) {
            if ((row & skip) != 0) continue;
            const bool marked = in_.bit(memory_.contexts[context + before]);
            if (marked) row |= mark;
            if (marked) ++count;
            before = (before << 1 | (marked ? 1 : 0)) & 3;
        }
        return count;
    }

    template <class Take>
    Status numbers(std::size_t column, std::size_t count, std::size_t skip, Take take) {
        if (count == 0) return {};
        Coding coding;
        coding.first = read_first(in_, memory_.contexts);
        if (column < moved_.size() && moved_[column]) return first_number(coding.first, take);
        if (count > 1) LH_TRY(read_coding(in_, memory_.contexts, coding));
        const bool good = read_numbers(in_, memory_.contexts, coding, rows_, skip, take);
        if (!in_.plausible()) return Error{ErrorCode::truncated, "coded columns"};
        return good ? Status{} : Error{ErrorCode::malformed, "value out of its kind"};
    }

    // The other rows have theirs in the mixed part.
    template <class Take>
    Status first_number(std::int64_t first, Take take) {
        bool good = in_.plausible();
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if ((rows_[i] & (row_note::null | row_note::exception)) == 0)
                good = take(i, first) && good;
        }
        return good ? Status{} : Error{ErrorCode::malformed, "first number of a column"};
    }

    Status number_column(std::size_t column, const Field& field, std::span<Value> values,
                         std::size_t count) {
        if (field.kind == FieldKind::decimal &&
            in_.bit(memory_.contexts[codec2_context::exceptions]))
            count -= marks(row_note::null, row_note::exception, codec2_context::exception_marks);
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = {};
            if ((rows_[i] & row_note::exception) == 0) continue;
            values[i].form = ValueForm::real;
            values[i].real_bits = in_.raw(64);
        }
        const Domain domain = domain_of(field);
        return numbers(column, count, 0, [values, domain](std::size_t i, std::int64_t value) {
            values[i].form = ValueForm::integer;
            values[i].integer = value;
            return domain.has(value);
        });
    }

    Status literal_column(const Field& field, std::span<Value> values, std::size_t count) {
        std::fill(values.begin(), values.end(), Value{});
        if (count == 0) return in_.plausible() ? Status{} : ErrorCode::truncated;
        // The first one is always written; the numbers say how far back the others have theirs.
        std::size_t next = 0;
        while ((rows_[next] & row_note::null) != 0) ++next;
        memory_.order[0] = static_cast<std::uint8_t>(next);
        LH_TRY(read_literal(field, next, values[next]));
        std::size_t before = 1;
        Status status;
        LH_TRY(numbers(no_column, count - 1, 1, [&](std::size_t i, std::int64_t back) {
            if (back < 0 || static_cast<std::uint64_t>(back) > before || !status.ok()) return false;
            memory_.order[before] = static_cast<std::uint8_t>(i);
            if (back == 0) {
                status = read_literal(field, i, values[i]);
            } else {
                values[i] = values[memory_.order[before - static_cast<std::size_t>(back)]];
            }
            ++before;
            return status.ok();
        }));
        return {};
    }

    Status read_literal(const Field& field, std::size_t row, Value& value) {
        if (!moved_.empty()) {
            value.form = has_length(field.kind) ? ValueForm::text : ValueForm::real;
            value.integer = static_cast<std::int64_t>(row);
            return {};
        }
        if (!has_length(field.kind)) {
            value.form = ValueForm::real;
            value.real_bits = field.kind == FieldKind::float32 ? literals_.u32() : literals_.u64();
        } else {
            const std::uint64_t size = literals_.varint();
            if (size > limits::text_bytes_max) return Error{ErrorCode::too_large, "text"};
            value.form = ValueForm::text;
            value.text = literals_.bytes(static_cast<std::size_t>(size));
        }
        return literals_.ok() ? Status{} : Error{ErrorCode::truncated, "literals"};
    }

    static constexpr std::size_t no_column = SIZE_MAX;

    ModelReader model_;
    Codec2Decoder& memory_;
    RangeDecoder in_;
    ByteReader literals_;
    std::span<std::uint8_t> rows_;
    std::span<const bool> moved_;
};

}  // namespace longhaul
