// Small texts that several commands print.
#pragma once

#include <string>
#include <string_view>

#include "common/base/hex.hpp"
#include "common/base/ids.hpp"

namespace longhaul::tools {

// "01234567-89ab-cdef-0123-456789abcdef"
inline std::string uuid_text(const Uuid& uuid) {
    std::string text = hex(uuid);
    for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
    return text;
}

// An incarnation as people see it: eight digits.
inline std::string incarnation_text(Incarnation incarnation) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) {
        const auto byte = static_cast<std::byte>(incarnation.value >> shift);
        text += hex(Bytes{&byte, 1});
    }
    return text;
}

// As a basic string of TOML.
inline std::string toml_text(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + "\"";
}

}  // namespace longhaul::tools
