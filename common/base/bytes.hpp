// Bytes, and the bounds-checked reader and writer through which every format goes.
//
// All integers are little-endian. Both classes are sticky: after the first access out of bounds
// they yield zeros (or write nothing) and ok() is false, so a parser reads a whole structure and
// asks once.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace longhaul {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline Bytes as_bytes(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}
inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
bool equal(Bytes a, Bytes b);

// The longest LEB128 varint of a 64-bit value.
inline constexpr std::size_t varint_bytes_max = 10;
std::size_t varint_size(std::uint64_t value);

// Signed values with small magnitude become small unsigned ones: 0, -1, 1, -2 -> 0, 1, 2, 3.
constexpr std::uint64_t zigzag(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

class ByteReader {
 public:
    explicit ByteReader(Bytes bytes) : rest_{bytes} {}

    std::uint8_t u8();
    std::uint16_t u16();
    std::uint32_t u24();
    std::uint32_t u32();
    std::uint64_t u64();
    std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
    double f64() { return std::bit_cast<double>(u64()); }
    std::uint64_t varint();  // shortest form only; longer ones are refused
    std::int64_t zigzag_varint() { return unzigzag(varint()); }
    Bytes bytes(std::size_t count);
    std::string_view text(std::size_t count) { return as_text(bytes(count)); }
    std::string_view short_text() { return text(u8()); }  // u8 length, then the bytes

    bool ok() const { return ok_; }
    bool at_end() const { return ok_ && rest_.empty(); }
    std::size_t remaining() const { return rest_.size(); }
    Bytes rest() const { return rest_; }
    void fail();

 private:
    std::uint64_t little_endian(std::size_t count);

    Bytes rest_;
    bool ok_ = true;
};

// Bytes that are taken one after the other and need not lie in memory.
class ByteSource {
 public:
    virtual bool read(MutableBytes room) = 0;  // false: there are not so many, or none can be read

 protected:
    ~ByteSource() = default;
};

// Those that do.
class MemorySource final : public ByteSource {
 public:
    explicit MemorySource(Bytes bytes) : in_{bytes} {}
    bool read(MutableBytes room) override {
        const Bytes taken = in_.bytes(room.size());
        std::copy(taken.begin(), taken.end(), room.begin());
        return in_.ok();
    }

 private:
    ByteReader in_;
};

class ByteWriter {
 public:
    explicit ByteWriter(MutableBytes room) : room_{room} {}

    void u8(std::uint8_t value) { little_endian(value, 1); }
    void u16(std::uint16_t value) { little_endian(value, 2); }
    void u24(std::uint32_t value) { little_endian(value, 3); }
    void u32(std::uint32_t value) { little_endian(value, 4); }
    void u64(std::uint64_t value) { little_endian(value, 8); }
    void i64(std::int64_t value) { u64(static_cast<std::uint64_t>(value)); }
    void f64(double value) { u64(std::bit_cast<std::uint64_t>(value)); }
    void varint(std::uint64_t value);
    void zigzag_varint(std::int64_t value) { varint(zigzag(value)); }
    void bytes(Bytes bytes);
    void text(std::string_view text) { bytes(as_bytes(text)); }
    void short_text(std::string_view text);  // u8 length, then the bytes; over 255 fails

    bool ok() const { return ok_; }
    std::size_t size() const { return used_; }
    Bytes written() const { return room_.first(used_); }

 private:
    void little_endian(std::uint64_t value, std::size_t count);

    MutableBytes room_;
    std::size_t used_ = 0;
    bool ok_ = true;
};

}  // namespace longhaul
