// How a spool lies on flash: sectors with an erase mark and a header, and the records in them.
// docs/spec/spool.md, section Flash ring.
//
//   0              erase mark
//   next unit      header of the sector, twice
//   next unit      records, each a header and, from the next unit on, a body
//   last unit(s)   summary, when the sector takes no more
#pragma once

#include <array>
#include <cstdint>

#include "agent/core/sent_marks.hpp"
#include "agent/port/flash.hpp"
#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"

namespace longhaul::agent {

// Chains 0 to 3 hold the blocks of a class.
using FlashChain = std::uint8_t;
inline constexpr FlashChain chain_epochs = 4;
inline constexpr FlashChain chain_state = 5;
inline constexpr FlashChain chain_count = 6;
inline constexpr FlashChain chain_none = 0xff;

inline constexpr std::uint32_t no_sector = UINT32_MAX;
inline constexpr std::uint32_t flash_unit_bytes_min = 16;
inline constexpr std::uint32_t flash_unit_bytes_max = 256;
inline constexpr std::uint32_t flash_sectors_min = 16;
inline constexpr std::uint32_t erase_mark_bytes = 16;
inline constexpr std::uint32_t sector_header_bytes = 40;
inline constexpr std::uint32_t record_header_bytes = 48;

// Where things lie in the sectors of a flash.
class FlashLayout {
 public:
    explicit FlashLayout(const FlashGeometry& geometry);

    std::uint32_t up(std::size_t bytes) const {
        return (static_cast<std::uint32_t>(bytes) + unit - 1) / unit * unit;
    }
    std::uint32_t header_at(std::uint32_t copy) const {
        return up(erase_mark_bytes) + copy * up(sector_header_bytes);
    }
    std::uint32_t records_at() const { return header_at(2); }
    std::uint32_t summary_at() const { return sector_bytes - up(record_header_bytes); }
    std::uint32_t capacity() const { return summary_at() - records_at(); }
    std::uint32_t record_bytes(std::size_t body) const {
        return up(record_header_bytes) + up(body);
    }

    std::uint32_t sector_bytes;
    std::uint32_t sectors;
    std::uint32_t unit;  // every record begins at a multiple of it
};

struct EraseMark {
    std::uint32_t erases = 0;
};
void write_erase_mark(const EraseMark& mark, ByteWriter& out);
bool read_erase_mark(Bytes bytes, EraseMark& mark);

struct SectorHeader {
    std::uint32_t order = 0;  // counts the sectors that joined a chain
    FlashChain chain = chain_none;
    Incarnation incarnation;
    std::uint32_t epoch_counter = 0;  // as it stood
    // Of a class's sector the first block. Of chain 4: epoch is the order of the sector that this
    // one was begun for to take what outlives it; else 0.
    BlockPlace first;
    BlockPlace before;  // of a class's sector: the block before that one in the chain; 0: none
};
void write_sector_header(const SectorHeader& header, ByteWriter& out);
bool read_sector_header(Bytes bytes, SectorHeader& header);

enum class RecordKind : std::uint8_t {
    block = 1,
    epoch = 2,
    schema = 3,
    core = 4,
    value = 5,
    summary = 6,
};

struct RecordHeader {
    RecordKind kind = RecordKind::block;
    std::uint8_t key = 0;  // class of a block, key of a value
    std::uint16_t samples = 0;
    std::uint16_t body_bytes = 0;
    std::uint16_t losses = 0;  // that the block tells
    BlockPlace place;          // of a block; number: serial of core and value, hint of a schema
    std::int64_t first_us = 0;
    std::int64_t last_us = 0;
    BlockPlace before;  // the block before it in the chain
    std::uint32_t body_crc = 0;
};
// A record's header is only good in its place: the sector's order and the offset enter its CRC.
struct RecordSpot {
    std::uint32_t order = 0;
    std::uint32_t offset = 0;
};
void write_record_header(const RecordHeader& header, RecordSpot spot, ByteWriter& out);
bool read_record_header(Bytes bytes, RecordSpot spot, RecordHeader& header);
// Without looking at the CRC: might this be a record with a body of at most that many bytes?
bool may_be_record(Bytes bytes, std::uint32_t body_bytes_max);

bool is_blank(Bytes bytes);
// Whether a block can have that place.
inline bool is_place(const BlockPlace& place) {
    return place.epoch.value != 0 && place.number <= BlockSeq::number_max;
}

}  // namespace longhaul::agent
