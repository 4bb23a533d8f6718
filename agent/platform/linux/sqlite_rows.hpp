// What the rows of an SQLite spool have in common: keys that sort as blocks do, and a checksum.
//
// Every row begins with its key and the CRC-32C of: u8 kind, i64 key, then each further column, an
// integer as i64, bytes as u32 length and the bytes. So a row can be told for what it is even when
// the page that it lies on cannot be read any more.
#pragma once

#include <cstdint>
#include <limits>

#include "agent/core/sent_marks.hpp"
#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/block/schema.hpp"

namespace longhaul::agent {

enum class RowKind : std::uint8_t {
    spool = 'S',
    state = 'V',
    schema = 'H',
    epoch = 'E',
    count = 'C',
    waiting = 'W',
    durable = 'D',
    block = 'B',
};

class RowSum {
 public:
    RowSum(RowKind kind, std::int64_t id);
    RowSum& add(std::int64_t value);
    RowSum& add(Bytes bytes);
    std::int64_t value() const { return crc_; }

 private:
    std::uint32_t crc_;
};

template <class... Values>
std::int64_t row_sum(RowKind kind, std::int64_t id, Values... values) {
    RowSum sum{kind, id};
    (sum.add(values), ...);
    return sum.value();
}

// Class, epoch and number in one key: blocks lie by class, epoch and number, and the keys of
// neighbours are neighbours.
using RowId = std::int64_t;
constexpr RowId row_id(BlockClass block_class, const BlockPlace& place) {
    const std::uint64_t key = static_cast<std::uint64_t>(block_class) << 62 |
                              static_cast<std::uint64_t>(place.epoch.value) << 30 |
                              (place.number & BlockSeq::number_max);
    return static_cast<RowId>(key ^ std::uint64_t{1} << 63);
}
constexpr std::uint64_t row_key(RowId id) {
    return static_cast<std::uint64_t>(id) ^ std::uint64_t{1} << 63;
}
constexpr BlockClass class_of(RowId id) { return static_cast<BlockClass>(row_key(id) >> 62); }
constexpr BlockPlace place_of(RowId id) {
    return {{static_cast<std::uint32_t>(row_key(id) >> 30)},
            static_cast<std::uint32_t>(row_key(id)) & BlockSeq::number_max};
}
constexpr RowId first_row(BlockClass block_class) { return row_id(block_class, {}); }
constexpr RowId last_row(BlockClass block_class) {
    return row_id(block_class, {{UINT32_MAX}, BlockSeq::number_max});
}
// Where the count of an epoch's class is kept, before its blocks.
constexpr RowId count_id(RowId block) {
    return row_id(class_of(block), {place_of(block).epoch, 0});
}

// What everything depends on is there twice, in rows of which one may be damaged. The copy of an
// epoch or a schema, without which blocks are of no use, lies in a table of its own, hence on
// another page.
inline constexpr std::int64_t copies = 2;
constexpr std::int64_t copy_id(std::int64_t key, std::int64_t copy) { return key * copies + copy; }
std::int64_t schema_key(const SchemaHash& hash);

}  // namespace longhaul::agent
