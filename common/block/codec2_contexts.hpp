// The decisions of a codec-2 column: where each has its probability, and how the contexts of a
// residual follow from those before it. Specification: docs/spec/codec.md.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "common/block/range_coder.hpp"
#include "common/block/schema.hpp"

namespace longhaul {

// Places in the table of a column, in the order of the specification.
namespace codec2_context {
inline constexpr std::size_t zero_before = 12;    // by the two bit lengths before
inline constexpr std::size_t zero_beside = 4;     // by the same row of the two columns before
inline constexpr std::size_t length_groups = 12;  // by the bit length expected
inline constexpr std::size_t length_steps = 16;   // more or not, 7 further up, 8 further down
inline constexpr std::size_t mantissa_lengths = 20;

inline constexpr std::size_t nulls = 0;
inline constexpr std::size_t exceptions = 1;
inline constexpr std::size_t constant = 2;
inline constexpr std::size_t divisor = 3;
inline constexpr std::size_t predictor = 4;         // 3
inline constexpr std::size_t null_marks = 7;        // 4, by the two marks before
inline constexpr std::size_t exception_marks = 11;  // 4
inline constexpr std::size_t first_sign = 15;
inline constexpr std::size_t first_length = 16;  // 64: a tree of six decisions, and one for 64 bits
inline constexpr std::size_t sign = 80;          // 3
inline constexpr std::size_t zero = 83;
inline constexpr std::size_t length = zero + zero_before * zero_beside;
inline constexpr std::size_t mantissa = length + length_groups * length_steps;
inline constexpr std::size_t count = mantissa + 3 * mantissa_lengths;
}  // namespace codec2_context

using ColumnContexts = std::array<BitModel, codec2_context::count>;

// Columns of one kind of data begin with the same built-in probabilities.
enum class ContextSet : std::uint8_t {
    time,
    number,     // integer and decimal
    small,      // boolean and enumeration
    reference,  // of text, bytes and floats: how far back the same value is
};
inline constexpr std::size_t context_set_count = 4;

constexpr bool is_literal(FieldKind kind) { return kind >= FieldKind::text; }

constexpr ContextSet context_set_of(FieldKind kind) {
    if (is_literal(kind)) return ContextSet::reference;
    const bool number = kind == FieldKind::integer || kind == FieldKind::decimal;
    return number ? ContextSet::number : ContextSet::small;
}

// The residuals of a column as far as they decide how the next one is coded.
class ResidualContext {
 public:
    std::size_t zero(std::uint8_t beside) const {
        return codec2_context::zero + zero_ * codec2_context::zero_beside + beside;
    }
    // The bit length is coded as its distance from the expected one, 1 … 63.
    int expected() const { return static_cast<int>(expected_); }
    // Whether it is more than expected.
    std::size_t more() const { return group_; }
    // Whether it is more than `steps` above the expected one, 1 or more.
    std::size_t above(int steps) const {
        return group_ + std::min<std::size_t>(static_cast<std::size_t>(steps), 7);
    }
    // Whether it is more than `steps` below the expected one, 0 or more.
    std::size_t below(int steps) const {
        return group_ + 8 + std::min<std::size_t>(static_cast<std::size_t>(steps), 7);
    }
    std::size_t sign() const { return codec2_context::sign + sign_; }
    // The three decisions on the two bits below the highest one.
    static std::size_t mantissa(int length) {
        const auto place = std::min<std::size_t>(static_cast<std::size_t>(length) - 2,
                                                 codec2_context::mantissa_lengths - 1);
        return codec2_context::mantissa + 3 * place;
    }

    void saw(int length, bool negative) {
        const auto bits = static_cast<std::uint32_t>(length);
        const std::uint32_t smoothed = bits >= last_ ? bits : (bits + last_ + 1) / 2;
        zero_ = std::min<std::uint32_t>(bits, 5) * 2 + (last_ != 0 ? 1 : 0);
        expect(std::clamp<std::uint32_t>(smoothed, 1, 63));
        last_ = bits;
        if (length != 0) sign_ = negative ? 2 : 1;
    }

 private:
    void expect(std::uint32_t length) {
        expected_ = length;
        const auto group = std::min<std::size_t>(length, codec2_context::length_groups) - 1;
        group_ = codec2_context::length + group * codec2_context::length_steps;
    }

    std::uint32_t last_ = 2;  // bit length of the residual before
    std::uint32_t expected_ = 2;
    std::size_t group_ = codec2_context::length + codec2_context::length_steps;
    std::uint32_t zero_ = 5;
    std::uint32_t sign_ = 0;
};

// A number as the coder sees it: how many bits its magnitude has, its sign, the magnitude.
struct Magnitude {
    explicit Magnitude(std::int64_t value)
        : bits{value < 0 ? 0 - static_cast<std::uint64_t>(value)
                         : static_cast<std::uint64_t>(value)},
          length{static_cast<int>(std::bit_width(bits))},
          negative{value < 0} {}
    std::uint64_t bits;
    int length;
    bool negative;
};

constexpr std::int64_t signed_of(std::uint64_t magnitude, bool negative) {
    return static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
}

}  // namespace longhaul
