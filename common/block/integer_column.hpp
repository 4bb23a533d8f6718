// Integers of a codec-0 column: a divisor is taken out, each value is predicted from the two before
// it, and what is left is a zigzag varint. Specification: docs/spec/codec.md.
#pragma once

#include <cstdint>
#include <span>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/base/wrapping.hpp"

namespace longhaul {

enum class Predictor : std::uint8_t { none, delta, delta_of_delta, half_slope };

// The head byte of a column.
namespace column_head {
constexpr std::uint8_t predictor_mask = 0x03;
constexpr std::uint8_t nulls = 0x04;
constexpr std::uint8_t exceptions = 0x08;
constexpr std::uint8_t constant = 0x10;
constexpr std::uint8_t divisor = 0x20;
constexpr std::uint8_t known = 0x3f;
}  // namespace column_head

struct IntegerCoding {
    Predictor predictor = Predictor::none;
    std::int64_t divisor = 1;
    bool constant = false;

    std::uint8_t head() const;
};

// What the values before lead to expect; the sums wrap around.
constexpr std::int64_t predict(Predictor predictor, std::int64_t last, std::int64_t before_last) {
    const std::int64_t slope = wrapping_subtract(last, before_last);
    switch (predictor) {
        case Predictor::none:
            return 0;
        case Predictor::delta:
            return last;
        case Predictor::delta_of_delta:
            return wrapping_add(last, slope);
        case Predictor::half_slope:
            return wrapping_add(last, slope >> 1);
    }
    return 0;
}

// The greatest common divisor of the distances to the first value; 1 when there is none worth
// saying.
std::int64_t common_divisor(std::span<const std::int64_t> values);

// The coding that needs the fewest bytes.
IntegerCoding choose_coding(std::span<const std::int64_t> values);
void encode_integers(std::span<const std::int64_t> values, const IntegerCoding& coding,
                     ByteWriter& out);
Status decode_integers(ByteReader& in, std::uint8_t head, std::span<std::int64_t> values);

}  // namespace longhaul
