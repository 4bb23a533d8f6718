#include "common/block/codec2_column.hpp"

#include <bit>

namespace longhaul {
namespace {

constexpr std::size_t predictors = 4;

// Quotients are exact; a small core divides 32 bits in one instruction and 64 in hundreds.
std::int64_t divide(std::int64_t distance, std::int64_t divisor) {
    const auto small = static_cast<std::int32_t>(distance);
    if (small == distance && divisor <= INT32_MAX)
        return small == INT32_MIN ? distance / divisor : small / static_cast<std::int32_t>(divisor);
    return distance / divisor;
}

// About the bits of a residual: those of its magnitude, which for a small core are cheapest to find
// where they fit into 32.
std::uint32_t bits_of(std::int64_t residual) {
    const auto bits = static_cast<std::uint64_t>(residual ^ (residual >> 63));
    if constexpr (sizeof(std::size_t) == 8) {
        // The highest bit of an odd number is found without asking whether there is one.
        const int below = std::countl_zero(bits << 1 | 1);
        return static_cast<std::uint32_t>(63 - below + (residual != 0 ? 1 : 0));
    }
    const auto high = static_cast<std::uint32_t>(bits >> 32);
    if (high != 0) return 33 + static_cast<std::uint32_t>(std::bit_width(high));
    return static_cast<std::uint32_t>(std::bit_width(static_cast<std::uint32_t>(bits)) +
                                      (residual != 0 ? 1 : 0));
}

}  // namespace

IntegerCoding reduce_column(std::span<std::int64_t> values) {
    IntegerCoding coding{.predictor = Predictor::delta};
    coding.divisor = common_divisor(values);
    std::uint64_t any = 0;
    std::array<std::uint32_t, predictors> cost{};
    std::int64_t last = 0;
    std::int64_t before_last = 0;
    const std::int64_t first = values[0];
    values[0] = 0;
    for (std::int64_t& value : values.subspan(1)) {
        value = wrapping_subtract(value, first);
        if (coding.divisor != 1) value = divide(value, coding.divisor);
        any |= static_cast<std::uint64_t>(value);
        const std::int64_t step = wrapping_subtract(value, last);
        const std::int64_t slope = wrapping_subtract(last, before_last);
        cost[0] += bits_of(value);
        cost[1] += bits_of(step);
        cost[2] += bits_of(wrapping_subtract(step, slope));
        cost[3] += bits_of(wrapping_subtract(step, slope >> 1));
        before_last = last;
        last = value;
    }
    coding.constant = any == 0;
    for (const std::size_t other : {std::size_t{0}, std::size_t{2}, std::size_t{3}}) {
        if (cost[other] < cost[static_cast<std::size_t>(coding.predictor)])
            coding.predictor = static_cast<Predictor>(other);
    }
    return coding;
}

}  // namespace longhaul
