#include "common/mix/value_bytes.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace longhaul {
namespace {

constexpr std::string_view lower_digits = "0123456789abcdef";
constexpr std::string_view upper_digits = "0123456789ABCDEF";
constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// What each letter is worth, or 0xff.
using Worth = std::array<std::uint8_t, 256>;
constexpr Worth worth_of(std::string_view digits) {
    Worth worth{};
    for (auto& one : worth) one = 0xff;
    for (std::size_t i = 0; i < digits.size(); ++i)
        worth[static_cast<std::uint8_t>(digits[i])] = static_cast<std::uint8_t>(i);
    return worth;
}
constexpr Worth lower_worth = worth_of(lower_digits);
constexpr Worth upper_worth = worth_of(upper_digits);
constexpr Worth base64_worth = worth_of(base64_digits);

// Words and decimal numbers are better left as they are: only what has digits and letters is taken
// for hexadecimal, and what has all three kinds for base 64.
struct Letters {
    bool digit = false;
    bool lower = false;
    bool upper = false;
    explicit Letters(Bytes text) {
        for (const std::byte byte : text) {
            const auto letter = static_cast<unsigned char>(byte);
            digit = digit || (letter >= '0' && letter <= '9');
            lower = lower || (letter >= 'a' && letter <= 'z');
            upper = upper || (letter >= 'A' && letter <= 'Z');
        }
    }
};

unsigned worth(const Worth& table, std::byte letter) {
    return table[static_cast<std::size_t>(letter)];
}

std::optional<Bytes> pack_hex(Bytes text, const Worth& table, MutableBytes room) {
    if (text.size() % 2 != 0 || text.size() / 2 > room.size()) return std::nullopt;
    for (std::size_t i = 0; i < text.size() / 2; ++i) {
        const unsigned high = worth(table, text[2 * i]);
        const unsigned low = worth(table, text[2 * i + 1]);
        if (high == 0xff || low == 0xff) return std::nullopt;
        room[i] = static_cast<std::byte>(high << 4 | low);
    }
    return Bytes{room}.first(text.size() / 2);
}

std::optional<Bytes> pack_base64(Bytes text, MutableBytes room) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t digits = text.size();
    while (digits + 2 > text.size() && digits > 0 && text[digits - 1] == std::byte{'='}) --digits;
    const std::size_t size = digits * 3 / 4;
    if (size > room.size()) return std::nullopt;
    std::uint32_t bits = 0;
    std::size_t count = 0;
    std::size_t made = 0;
    for (const std::byte letter : text.first(digits)) {
        const unsigned digit = worth(base64_worth, letter);
        if (digit == 0xff) return std::nullopt;
        bits = bits << 6 | digit;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        room[made++] = static_cast<std::byte>(bits >> count);
    }
    // Bits behind the last byte would not come back.
    if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
    return Bytes{room}.first(made);
}

void unpack_hex(Bytes packed, std::string_view digits, MutableBytes room) {
    for (std::size_t i = 0; i < packed.size(); ++i) {
        const auto byte = static_cast<unsigned>(packed[i]);
        room[2 * i] = static_cast<std::byte>(digits[byte >> 4]);
        room[2 * i + 1] = static_cast<std::byte>(digits[byte & 15]);
    }
}

void unpack_base64(Bytes packed, MutableBytes room) {
    std::size_t to = 0;
    for (std::size_t from = 0; from < packed.size(); from += 3) {
        const std::size_t count = std::min<std::size_t>(3, packed.size() - from);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i)
            bits = bits << 8 | (i < count ? static_cast<std::uint32_t>(packed[from + i]) : 0);
        for (std::size_t i = 0; i < 4; ++i)
            room[to++] =
                static_cast<std::byte>(i <= count ? base64_digits[bits >> (18 - 6 * i) & 63] : '=');
    }
}

}  // namespace

PackedText pack_text(Bytes text, MutableBytes room) {
    const Letters has{text};
    if (has.digit && has.lower && !has.upper) {
        if (const auto bytes = pack_hex(text, lower_worth, room))
            return {TextForm::lower_hex, *bytes};
    }
    if (has.digit && has.upper && !has.lower) {
        if (const auto bytes = pack_hex(text, upper_worth, room))
            return {TextForm::upper_hex, *bytes};
    }
    if (has.digit && has.upper && has.lower) {
        if (const auto bytes = pack_base64(text, room)) return {TextForm::base64, *bytes};
    }
    return {TextForm::plain, text};
}

std::size_t unpacked_bytes(TextForm form, std::size_t packed) {
    if (form == TextForm::plain) return packed;
    return form == TextForm::base64 ? (packed + 2) / 3 * 4 : 2 * packed;
}

void unpack_text(TextForm form, Bytes packed, MutableBytes room) {
    switch (form) {
        case TextForm::plain:
            std::copy(packed.begin(), packed.end(), room.begin());
            break;
        case TextForm::lower_hex:
            return unpack_hex(packed, lower_digits, room);
        case TextForm::upper_hex:
            return unpack_hex(packed, upper_digits, room);
        case TextForm::base64:
            return unpack_base64(packed, room);
    }
}

}  // namespace longhaul
