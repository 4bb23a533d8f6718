#include "common/base/utf8.hpp"

namespace longhaul {
namespace {

// What the first byte of a character promises: how many more bytes, and the bounds of the second,
// which keep out long forms, surrogates and what lies above U+10FFFF.
struct Lead {
    std::size_t more;
    std::uint8_t second_min;
    std::uint8_t second_max;
};

constexpr Lead refused{0, 0, 0};

Lead lead_of(std::uint8_t first) {
    if (first < 0xc2 || first > 0xf4) return refused;
    if (first < 0xe0) return {1, 0x80, 0xbf};
    if (first < 0xf0)
        return {2, first == 0xe0 ? std::uint8_t{0xa0} : std::uint8_t{0x80},
                first == 0xed ? std::uint8_t{0x9f} : std::uint8_t{0xbf}};
    return {3, first == 0xf0 ? std::uint8_t{0x90} : std::uint8_t{0x80},
            first == 0xf4 ? std::uint8_t{0x8f} : std::uint8_t{0xbf}};
}

}  // namespace

bool is_utf8(Bytes bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
        const auto first = static_cast<std::uint8_t>(bytes[at++]);
        if (first < 0x80) continue;
        const Lead lead = lead_of(first);
        if (lead.more == 0 || bytes.size() - at < lead.more) return false;
        const auto second = static_cast<std::uint8_t>(bytes[at]);
        if (second < lead.second_min || second > lead.second_max) return false;
        for (std::size_t i = 1; i < lead.more; ++i) {
            if ((static_cast<std::uint8_t>(bytes[at + i]) & 0xc0) != 0x80) return false;
        }
        at += lead.more;
    }
    return true;
}

}  // namespace longhaul
