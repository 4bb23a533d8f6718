// Bytes that grow as they are written: for states, whose size nobody knows before.
#pragma once

#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"

namespace longhaul::collector {

class ByteSink {
 public:
    void u8(std::uint8_t value) { bytes_.push_back(std::byte{value}); }
    void u16(std::uint16_t value) {
        write<2>([value](ByteWriter& out) { out.u16(value); });
    }
    void u32(std::uint32_t value) {
        write<4>([value](ByteWriter& out) { out.u32(value); });
    }
    void u64(std::uint64_t value) {
        write<8>([value](ByteWriter& out) { out.u64(value); });
    }
    void varint(std::uint64_t value) {
        write<varint_bytes_max>([value](ByteWriter& out) { out.varint(value); });
    }
    void zigzag_varint(std::int64_t value) { varint(zigzag(value)); }
    void bytes(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
    void counted(Bytes bytes) {
        varint(bytes.size());
        this->bytes(bytes);
    }
    void text(std::string_view text) { counted(as_bytes(text)); }

    Bytes written() const { return bytes_; }
    std::size_t size() const { return bytes_.size(); }
    void clear() { bytes_.clear(); }

 private:
    template <std::size_t Max, class Write>
    void write(Write&& put) {
        std::byte room[Max];
        ByteWriter out{room};
        put(out);
        bytes(out.written());
    }

    std::vector<std::byte> bytes_;
};

// What text() and counted() wrote.
inline Bytes read_counted(ByteReader& in) {
    const std::uint64_t count = in.varint();
    if (count > in.remaining()) in.fail();
    return in.ok() ? in.bytes(static_cast<std::size_t>(count)) : Bytes{};
}
// A number of things that follow, of which each takes a byte at least.
inline std::size_t read_count(ByteReader& in, std::size_t max) {
    const std::uint64_t count = in.varint();
    if (count > max || count > in.remaining()) in.fail();
    return in.ok() ? static_cast<std::size_t>(count) : 0;
}

}  // namespace longhaul::collector
