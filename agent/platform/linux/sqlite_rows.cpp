#include "agent/platform/linux/sqlite_rows.hpp"

#include <array>

#include "common/base/crc32c.hpp"

namespace longhaul::agent {

RowSum::RowSum(RowKind kind, std::int64_t id)
    : crc_{crc32c(std::array{static_cast<std::byte>(kind)})} {
    add(id);
}

RowSum& RowSum::add(std::int64_t value) {
    std::array<std::byte, sizeof(value)> bytes;
    ByteWriter{bytes}.i64(value);
    crc_ = crc32c(bytes, crc_);
    return *this;
}

RowSum& RowSum::add(Bytes bytes) {
    std::array<std::byte, sizeof(std::uint32_t)> length;
    ByteWriter{length}.u32(static_cast<std::uint32_t>(bytes.size()));
    crc_ = crc32c(bytes, crc32c(length, crc_));
    return *this;
}

std::int64_t schema_key(const SchemaHash& hash) {
    constexpr unsigned unused_bits = 2;  // room for the copy, and for no sign
    return static_cast<std::int64_t>(ByteReader{hash}.u64() >> unused_bits);
}

}  // namespace longhaul::agent
