// What encoder and decoder of codec 2 share besides the contexts. Specification:
// docs/spec/codec.md.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "common/block/schema.hpp"
#include "common/block/value.hpp"

namespace longhaul {

namespace codec2_head {
inline constexpr std::uint8_t literals = 0x01;
inline constexpr std::uint8_t compressed = 0x02;
inline constexpr std::uint8_t known = 0x03;
inline constexpr std::size_t bytes_max = 4;  // the head and the length of the literals
}  // namespace codec2_head

// A literal column's values are bytes with a length before them, or floats of a fixed size.
constexpr bool has_length(FieldKind kind) {
    return kind == FieldKind::text || kind == FieldKind::bytes;
}

// Tells most literals apart without looking at their bytes again.
inline std::uint16_t literal_tag(Bytes bytes) {
    std::uint32_t tag = 0;
    for (const std::byte byte : bytes) tag = tag * 0x1003f + static_cast<std::uint32_t>(byte);
    return static_cast<std::uint16_t>(tag >> 16 ^ tag);
}

inline Bytes literal_bytes(FieldKind kind, const Value& value, std::array<std::byte, 8>& bits) {
    if (has_length(kind)) return value.text;
    for (std::size_t i = 0; i < bits.size(); ++i) {
        bits[i] = static_cast<std::byte>(value.real_bits >> (8 * i));
    }
    return Bytes{bits}.first(kind == FieldKind::float32 ? 4 : 8);
}

}  // namespace longhaul
