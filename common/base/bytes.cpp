#include "common/base/bytes.hpp"

namespace longhaul {

bool equal(Bytes a, Bytes b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

std::size_t varint_size(std::uint64_t value) {
    return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

void ByteReader::fail() {
    ok_ = false;
    rest_ = {};
}

std::uint64_t ByteReader::little_endian(std::size_t count) {
    if (rest_.size() < count) {
        fail();
        return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = count; i-- > 0;) {
        value = value << 8 | static_cast<std::uint64_t>(rest_[i]);
    }
    rest_ = rest_.subspan(count);
    return value;
}

std::uint8_t ByteReader::u8() { return static_cast<std::uint8_t>(little_endian(1)); }
std::uint16_t ByteReader::u16() { return static_cast<std::uint16_t>(little_endian(2)); }
std::uint32_t ByteReader::u24() { return static_cast<std::uint32_t>(little_endian(3)); }
std::uint32_t ByteReader::u32() { return static_cast<std::uint32_t>(little_endian(4)); }
std::uint64_t ByteReader::u64() { return little_endian(8); }

std::uint64_t ByteReader::varint() {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < varint_bytes_max; ++i) {
        const std::uint64_t byte = u8();
        if (!ok_) return 0;
        if (i == varint_bytes_max - 1 && byte > 1) break;  // over 64 bits
        value |= (byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            if (byte == 0 && i > 0) break;  // a longer form than needed
            return value;
        }
    }
    fail();
    return 0;
}

Bytes ByteReader::bytes(std::size_t count) {
    if (rest_.size() < count) {
        fail();
        return {};
    }
    const Bytes result = rest_.first(count);
    rest_ = rest_.subspan(count);
    return result;
}

void ByteWriter::little_endian(std::uint64_t value, std::size_t count) {
    if (!ok_ || room_.size() - used_ < count) {
        ok_ = false;
        return;
    }
    for (std::size_t i = 0; i < count; ++i) {
        room_[used_++] = static_cast<std::byte>(value >> (8 * i));
    }
}

void ByteWriter::varint(std::uint64_t value) {
    while (value >= 0x80) {
        u8(static_cast<std::uint8_t>(value | 0x80));
        value >>= 7;
    }
    u8(static_cast<std::uint8_t>(value));
}

void ByteWriter::bytes(Bytes bytes) {
    if (!ok_ || room_.size() - used_ < bytes.size()) {
        ok_ = false;
        return;
    }
    if (!bytes.empty()) std::memcpy(room_.data() + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
}

void ByteWriter::short_text(std::string_view text_in) {
    if (text_in.size() > 255) {
        ok_ = false;
        return;
    }
    u8(static_cast<std::uint8_t>(text_in.size()));
    text(text_in);
}

}  // namespace longhaul
