// Bytes as hexadecimal text, two digits each. For hosts.
#pragma once

#include <string>
#include <string_view>

#include "common/base/bytes.hpp"

namespace longhaul {

inline std::string hex(Bytes bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::byte byte : bytes) {
        text += digits[std::to_integer<std::size_t>(byte >> 4)];
        text += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
    return text;
}

}  // namespace longhaul
