#include "common/block/range_coder.hpp"

namespace longhaul {

// The number that the bytes so far stand for grows by one in its last place.
void RangeEncoder::carry(MutableBytes written) {
    for (std::size_t i = written.size(); i-- > 0;) {
        written[i] = static_cast<std::byte>(static_cast<unsigned>(written[i]) + 1);
        if (written[i] != std::byte{0}) return;
    }
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
