// The values of a codec-2 column as decisions, whoever takes them: the range coder, or the trainer
// of a model, which counts. Specification: docs/spec/codec.md.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "common/block/codec2_contexts.hpp"
#include "common/block/integer_column.hpp"

namespace longhaul {

// What the encoder notes of a row. The low two bits: whether the residuals in this row of the two
// columns before were zero.
namespace row_note {
inline constexpr std::uint8_t zeros = 0x03;
inline constexpr std::uint8_t null = 0x04;
inline constexpr std::uint8_t exception = 0x08;

constexpr std::uint8_t with_zero(std::uint8_t note, bool zero) {
    const auto beside = static_cast<unsigned>((note & zeros) << 1 | (zero ? 1 : 0)) & zeros;
    return static_cast<std::uint8_t>((note & ~unsigned{zeros}) | beside);
}
}  // namespace row_note

// Reduces the values to distances from the first one, in units of their divisor, and chooses the
// predictor whose residuals have the fewest bits.
IntegerCoding reduce_column(std::span<std::int64_t> values);

// A Coder has bit(context, yes) and raw(value, count); for the many decisions of residuals it gives
// a quick copy of itself that has the same, by begin_residuals(), and takes it back.
template <class Coder>
class ColumnEncoder {
 public:
    explicit ColumnEncoder(Coder& coder) : coder_{coder} {}

    // The mark of each row that is not in `skip`, for example whether it is null.
    void marks(std::span<const std::uint8_t> rows, std::uint8_t skip, std::uint8_t mark,
               std::size_t context) {
        std::size_t before = 0;
        for (const std::uint8_t row : rows) {
            if ((row & skip) != 0) continue;
            const bool marked = (row & mark) != 0;
            coder_.bit(context + before, marked);
            before = (before << 1 | (marked ? 1 : 0)) & 3;
        }
    }

    // Reduces `values`, which are those of the rows without null and exception, in their order,
    // after the first `unused` of them.
    void integers(std::span<std::int64_t> values, std::span<std::uint8_t> rows,
                  std::size_t unused = 0) {
        if (values.empty()) return;
        first(values[0]);
        if (values.size() == 1) return;
        const IntegerCoding coding = reduce_column(values);
        coder_.bit(codec2_context::constant, coding.constant);
        if (!coding.constant) head(coding);
        residuals(values, rows, coding, unused + 1);
    }

 private:
    void tree(std::size_t context, unsigned value, int bits) {
        std::size_t node = 1;
        for (int i = bits - 1; i >= 0; --i) {
            const unsigned bit = value >> i & 1;
            coder_.bit(context + node, bit != 0);
            node = node << 1 | bit;
        }
    }

    void first(std::int64_t value) {
        const Magnitude magnitude{value};
        const int length = std::min(magnitude.length, 63);
        tree(codec2_context::first_length, static_cast<unsigned>(length), 6);
        if (length == 63) coder_.bit(codec2_context::first_length, magnitude.length == 64);
        if (magnitude.length == 0) return;
        coder_.bit(codec2_context::first_sign, magnitude.negative);
        coder_.raw(magnitude.bits, magnitude.length - 1);
    }

    void head(const IntegerCoding& coding) {
        tree(codec2_context::predictor - 1, static_cast<unsigned>(coding.predictor), 2);
        coder_.bit(codec2_context::divisor, coding.divisor != 1);
        if (coding.divisor == 1) return;
        const Magnitude magnitude{coding.divisor};
        coder_.raw(static_cast<std::uint64_t>(magnitude.length), 6);
        coder_.raw(magnitude.bits, magnitude.length - 1);
    }

    void residuals(std::span<const std::int64_t> reduced, std::span<std::uint8_t> rows,
                   const IntegerCoding& coding, std::size_t rows_before) {
        decltype(auto) quick = coder_.begin_residuals();
        ResidualContext context;
        std::int64_t last = 0;
        std::int64_t before_last = 0;
        std::size_t next = 1;
        for (std::uint8_t& row : rows) {
            if ((row & (row_note::null | row_note::exception)) != 0) continue;
            if (rows_before != 0) {
                --rows_before;
                continue;
            }
            if (coding.constant) {
                row = row_note::with_zero(row, true);
                continue;
            }
            const std::int64_t value = reduced[next++];
            const Magnitude residual{
                wrapping_subtract(value, predict(coding.predictor, last, before_last))};
            one(quick, residual, context, row & row_note::zeros);
            row = row_note::with_zero(row, residual.length == 0);
            before_last = last;
            last = value;
        }
        coder_.end_residuals(quick);
    }

    template <class Quick>
    static void one(Quick& quick, const Magnitude& residual, ResidualContext& context,
                    std::uint8_t beside) {
        const int length = residual.length;
        quick.bit(context.zero(beside), length != 0);
        if (length != 0) {
            bit_length(quick, length, context);
            quick.bit(context.sign(), residual.negative);
            mantissa(quick, residual);
        }
        context.saw(length, residual.negative);
    }

    template <class Quick>
    static void bit_length(Quick& quick, int length, const ResidualContext& context) {
        const int expected = context.expected();
        const int distance = length > expected ? length - expected : expected - length;
        quick.bit(context.more(), length > expected);
        if (length > expected) {
            for (int i = 1; i < distance; ++i) quick.bit(context.above(i), true);
            if (length < 64) quick.bit(context.above(distance), false);
        } else {
            for (int i = 0; i < distance; ++i) quick.bit(context.below(i), true);
            if (length > 1) quick.bit(context.below(distance), false);
        }
    }

    template <class Quick>
    static void mantissa(Quick& quick, const Magnitude& residual) {
        int rest = residual.length - 1;
        if (rest == 0) return;
        const std::size_t context = ResidualContext::mantissa(residual.length);
        const bool high = (residual.bits >> --rest & 1) != 0;
        quick.bit(context, high);
        if (rest == 0) return;
        quick.bit(context + (high ? 2 : 1), (residual.bits >> --rest & 1) != 0);
        quick.raw(residual.bits, rest);
    }

    Coder& coder_;
};

}  // namespace longhaul
