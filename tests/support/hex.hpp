// Bytes from hexadecimal text and back, for test vectors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"

namespace longhaul::test {

inline std::vector<std::byte> from_hex(std::string_view text) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        bytes.push_back(static_cast<std::byte>(digit(text[i]) * 16 + digit(text[i + 1])));
    }
    return bytes;
}

inline std::string to_hex(Bytes bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        text.push_back("0123456789abcdef"[static_cast<int>(byte) >> 4]);
        text.push_back("0123456789abcdef"[static_cast<int>(byte) & 15]);
    }
    return text;
}

}  // namespace longhaul::test
