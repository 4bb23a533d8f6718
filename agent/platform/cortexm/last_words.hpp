// Why the device started anew: kept in memory that a reset leaves as it is.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/base/bytes.hpp"

namespace longhaul::agent {

enum class Death : std::uint32_t { none, check, fault, watchdog };

struct LastWords {
    static constexpr std::size_t text_bytes = 64;
    Death death = Death::none;
    std::uint32_t place = 0;  // line of the check, or program counter
    char text[text_bytes]{};  // ends with zero
};

// They as a person reads them: "uplink.cpp:123", "processor fault at 0x00001234". Cut off where
// `room` ends.
std::string_view say(const LastWords& words, std::span<char> room);

// Leaves last words and resets.
[[noreturn]] void die(Death death, const char* text, std::uint32_t place);
// Those of the boot before, once. `power_was_off`: nothing was kept.
struct Remembered {
    bool power_was_off = true;
    LastWords words;
};
Remembered take_last_words();

}  // namespace longhaul::agent
