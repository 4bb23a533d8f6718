#include "common/block/range_coder.hpp"

namespace longhaul {

// The number that the bytes so far stand for grows by one in its last place.
void RangeEncoder::carry() {
    for (std::size_t i = used_; i-- > 0;) {
        room_[i] = static_cast<std::byte>(static_cast<unsigned>(room_[i]) + 1);
        if (room_[i] != std::byte{0}) return;
    }
}

void RangeEncoder::raw(std::uint64_t value, int count) {
    while (count > 0) {
        const int step = std::min(count, raw_bits_max);
        count -= step;
        range_ >>= step;
        const auto part = static_cast<std::uint32_t>(value >> count) & ((1U << step) - 1);
        add_to_low(range_ * part);
        normalize();
    }
}

std::uint64_t RangeDecoder::raw(int count) {
    std::uint64_t value = 0;
    while (count > 0) {
        const int step = std::min(count, raw_bits_max);
        count -= step;
        range_ >>= step;
        // Only bytes that no encoder wrote lead beyond the last part.
        const std::uint32_t part = std::min<std::uint32_t>(code_ / range_, (1U << step) - 1);
        code_ -= part * range_;
        value = value << step | part;
        normalize();
    }
    return value;
}

// Of all numbers from low to below low + range, takes one that ends in as many zero bytes as can
// be, and leaves out up to four zero bytes at the end, which the decoder supplies.
std::size_t RangeEncoder::finish() {
    int kept = 0;
    for (; kept < 4; ++kept) {
        const std::uint32_t below = UINT32_MAX >> (8 * kept);
        const std::uint32_t distance = (0 - low_) & below;  // to the next such number
        if (distance >= range_) continue;
        add_to_low(distance);
        break;
    }
    for (int i = 0; i < kept; ++i) put();
    auto implied = implied_zeros_max - static_cast<std::size_t>(kept);
    while (implied < implied_zeros_max && used_ > 0 && room_[used_ - 1] == std::byte{0}) {
        --used_;
        ++implied;
    }
    return used_;
}

}  // namespace longhaul
