// Lines for a person at the console, without a library of formats.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "agent/platform/cortexm/board.hpp"

namespace longhaul::agent {

class Console {
 public:
    Console& operator<<(std::string_view text) {
        board::write_console(text);
        return *this;
    }
    Console& operator<<(std::uint64_t number) {
        std::array<char, 20> digits;
        std::size_t at = digits.size();
        do {
            digits[--at] = static_cast<char>('0' + number % 10);
            number /= 10;
        } while (number != 0);
        return *this << std::string_view{digits.data() + at, digits.size() - at};
    }
};
inline Console console() { return {}; }

}  // namespace longhaul::agent
