#include "common/base/crc32c.hpp"

#include <array>

namespace longhaul {
namespace {

constexpr std::uint32_t polynomial_reflected = 0x82f6'3b78;

// A microcontroller has 64 bytes for the table and not a thousand.
#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
constexpr int bits_at_once = 4;
#else
constexpr int bits_at_once = 8;
#endif

constexpr std::array<std::uint32_t, 1 << bits_at_once> make_table() {
    std::array<std::uint32_t, 1 << bits_at_once> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < bits_at_once; ++bit) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? polynomial_reflected : 0);
        }
        table[i] = crc;
    }
    return table;
}

constexpr auto table = make_table();

}  // namespace

std::uint32_t crc32c(Bytes bytes, std::uint32_t seed) {
    std::uint32_t crc = ~seed;
    for (const std::byte byte : bytes) {
        crc ^= static_cast<std::uint32_t>(byte);
        for (int bits = 0; bits < 8; bits += bits_at_once)
            crc = crc >> bits_at_once ^ table[crc % table.size()];
    }
    return ~crc;
}

}  // namespace longhaul
