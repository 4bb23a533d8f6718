#include "common/block/integer_column.hpp"

#include <algorithm>

#include "common/base/wrapping.hpp"

namespace longhaul {
namespace {

constexpr std::uint64_t magnitude_of(std::int64_t distance) {
    const auto bits = static_cast<std::uint64_t>(distance);
    return distance < 0 ? 0 - bits : bits;
}

// A small core divides 32 bits in one instruction and 64 in hundreds.
constexpr std::uint64_t remainder(std::uint64_t value, std::uint64_t divisor) {
    if (((value | divisor) >> 32) != 0) return value % divisor;
    return static_cast<std::uint32_t>(value) % static_cast<std::uint32_t>(divisor);
}

// Calls `take` with each residual of the values after the first.
template <class Take>
void for_each_residual(std::span<const std::int64_t> values, const IntegerCoding& coding,
                       Take take) {
    std::int64_t last = 0;
    std::int64_t before_last = 0;
    for (const std::int64_t value : values.subspan(1)) {
        const std::int64_t reduced = wrapping_subtract(value, values[0]) / coding.divisor;
        take(wrapping_subtract(reduced, predict(coding.predictor, last, before_last)));
        before_last = last;
        last = reduced;
    }
}

std::size_t coded_bytes(std::span<const std::int64_t> values, const IntegerCoding& coding) {
    std::size_t bytes =
        coding.divisor == 1 ? 0 : varint_size(static_cast<std::uint64_t>(coding.divisor));
    for_each_residual(values, coding,
                      [&bytes](std::int64_t residual) { bytes += varint_size(zigzag(residual)); });
    return bytes;
}

}  // namespace

std::int64_t common_divisor(std::span<const std::int64_t> values) {
    std::uint64_t divisor = 0;
    for (const std::int64_t value : values) {
        // Euclid's steps, the distance first: nearly always it is a multiple already.
        std::uint64_t rest = magnitude_of(wrapping_subtract(value, values[0]));
        if (divisor != 0) rest = remainder(rest, divisor);
        while (rest != 0) {
            const std::uint64_t next = divisor == 0 ? 0 : remainder(divisor, rest);
            divisor = rest;
            rest = next;
        }
        if (divisor == 1) break;
    }
    return divisor == 0 || divisor > INT64_MAX ? 1 : static_cast<std::int64_t>(divisor);
}

std::uint8_t IntegerCoding::head() const {
    if (constant) return column_head::constant;
    return static_cast<std::uint8_t>(static_cast<std::uint8_t>(predictor) |
                                     (divisor == 1 ? 0 : column_head::divisor));
}

IntegerCoding choose_coding(std::span<const std::int64_t> values) {
    if (values.empty()) return {};
    if (std::all_of(values.begin(), values.end(), [&](auto v) { return v == values[0]; }))
        return {.constant = true};
    IntegerCoding best;
    std::size_t best_bytes = SIZE_MAX;
    const std::int64_t common = common_divisor(values);
    for (const std::int64_t divisor : {std::int64_t{1}, common}) {
        for (const Predictor predictor : {Predictor::delta, Predictor::none,
                                          Predictor::delta_of_delta, Predictor::half_slope}) {
            const IntegerCoding coding{predictor, divisor};
            const std::size_t bytes = coded_bytes(values, coding);
            if (bytes >= best_bytes) continue;
            best = coding;
            best_bytes = bytes;
        }
        if (common == 1) break;
    }
    return best;
}

void encode_integers(std::span<const std::int64_t> values, const IntegerCoding& coding,
                     ByteWriter& out) {
    if (values.empty()) return;
    out.zigzag_varint(values[0]);
    if (coding.constant) return;
    if (coding.divisor != 1) out.varint(static_cast<std::uint64_t>(coding.divisor));
    for_each_residual(values, coding,
                      [&out](std::int64_t residual) { out.zigzag_varint(residual); });
}

Status decode_integers(ByteReader& in, std::uint8_t head, std::span<std::int64_t> values) {
    if (values.empty()) return in.ok() ? Status{} : ErrorCode::truncated;
    values[0] = in.zigzag_varint();
    if ((head & column_head::constant) != 0) {
        std::fill(values.begin(), values.end(), values[0]);
        return in.ok() ? Status{} : ErrorCode::truncated;
    }
    std::int64_t divisor = 1;
    if ((head & column_head::divisor) != 0) {
        const std::uint64_t raw = in.varint();
        if (raw < 2 || raw > INT64_MAX) return Error{ErrorCode::malformed, "divisor of a column"};
        divisor = static_cast<std::int64_t>(raw);
    }
    const auto predictor = static_cast<Predictor>(head & column_head::predictor_mask);
    std::int64_t last = 0;
    std::int64_t before_last = 0;
    for (std::int64_t& value : values.subspan(1)) {
        const std::int64_t reduced =
            wrapping_add(in.zigzag_varint(), predict(predictor, last, before_last));
        std::int64_t distance = 0;
        if (__builtin_mul_overflow(reduced, divisor, &distance)) {
            return Error{ErrorCode::malformed, "divisor of a column"};
        }
        value = wrapping_add(values[0], distance);
        before_last = last;
        last = reduced;
    }
    return in.ok() ? Status{} : ErrorCode::truncated;
}

}  // namespace longhaul
