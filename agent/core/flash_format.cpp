#include "agent/core/flash_format.hpp"

#include <algorithm>
#include <bit>

#include "common/base/check.hpp"
#include "common/base/crc32c.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint32_t erase_magic = 0x4553'484c;   // "LHSE"
constexpr std::uint32_t sector_magic = 0x4353'484c;  // "LHSC"
constexpr std::uint8_t flash_version = 1;
// So that a sector's records, the smallest of which take 64 bytes, can be counted in 16 bits.
constexpr std::uint32_t sector_bytes_max = 1 << 21;

void write_crc(ByteWriter& out) { out.u32(crc32c(out.written())); }

// Whether the last four of the bytes are the CRC of the others.
bool has_crc(Bytes bytes) {
    const std::size_t covered = bytes.size() - 4;
    return ByteReader{bytes.subspan(covered)}.u32() == crc32c(bytes.first(covered));
}

std::uint32_t record_crc(Bytes header, RecordSpot spot) {
    std::array<std::byte, 8> salt;
    ByteWriter out{salt};
    out.u32(spot.order);
    out.u32(spot.offset);
    return crc32c(header, crc32c(salt));
}

void write_place(const BlockPlace& place, ByteWriter& out) {
    out.u32(place.epoch.value);
    out.u32(place.number);
}

BlockPlace read_place(ByteReader& in) {
    const Epoch epoch{in.u32()};
    return {epoch, in.u32()};
}

// What it says of other sectors and blocks came before it.
bool agrees(const SectorHeader& header) {
    if (header.chain < block_class_count)
        return is_place(header.first) && header.before < header.first &&
               header.first.epoch.value <= header.epoch_counter;
    return header.chain == chain_state ||
           (header.chain == chain_epochs && header.first.epoch.value < header.order);
}

}  // namespace

FlashLayout::FlashLayout(const FlashGeometry& geometry)
    : sector_bytes{geometry.sector_bytes},
      sectors{geometry.sectors},
      unit{std::max(geometry.program_bytes, flash_unit_bytes_min)} {
    LH_CHECK(std::has_single_bit(geometry.program_bytes) && unit <= flash_unit_bytes_max);
    LH_CHECK(sector_bytes >= 4096 && sector_bytes <= sector_bytes_max && sector_bytes % unit == 0);
    LH_CHECK(sectors >= flash_sectors_min);
}

void write_erase_mark(const EraseMark& mark, ByteWriter& out) {
    out.u32(erase_magic);
    out.u32(mark.erases);
    out.u32(0);
    write_crc(out);
}

bool read_erase_mark(Bytes bytes, EraseMark& mark) {
    ByteReader in{bytes};
    if (in.u32() != erase_magic || !has_crc(bytes.first(erase_mark_bytes))) return false;
    mark.erases = in.u32();
    return true;
}

void write_sector_header(const SectorHeader& header, ByteWriter& out) {
    out.u32(sector_magic);
    out.u32(header.order);
    out.u8(header.chain);
    out.u8(flash_version);
    out.u16(0);
    out.u32(header.incarnation.value);
    out.u32(header.epoch_counter);
    write_place(header.first, out);
    write_place(header.before, out);
    write_crc(out);
}

bool read_sector_header(Bytes bytes, SectorHeader& header) {
    ByteReader in{bytes};
    if (in.u32() != sector_magic || !has_crc(bytes.first(sector_header_bytes))) return false;
    header.order = in.u32();
    header.chain = in.u8();
    const std::uint8_t version = in.u8();
    in.u16();
    header.incarnation.value = in.u32();
    header.epoch_counter = in.u32();
    header.first = read_place(in);
    header.before = read_place(in);
    return version == flash_version && header.order != 0 && agrees(header);
}

void write_record_header(const RecordHeader& header, RecordSpot spot, ByteWriter& out) {
    out.u8(static_cast<std::uint8_t>(header.kind));
    out.u8(header.key);
    out.u16(header.samples);
    out.u16(header.body_bytes);
    out.u16(header.losses);
    write_place(header.place, out);
    out.i64(header.first_us);
    out.i64(header.last_us);
    write_place(header.before, out);
    out.u32(header.body_crc);
    out.u32(record_crc(out.written(), spot));
}

bool read_record_header(Bytes bytes, RecordSpot spot, RecordHeader& header) {
    ByteReader in{bytes};
    header.kind = static_cast<RecordKind>(in.u8());
    header.key = in.u8();
    header.samples = in.u16();
    header.body_bytes = in.u16();
    header.losses = in.u16();
    header.place = read_place(in);
    header.first_us = in.i64();
    header.last_us = in.i64();
    header.before = read_place(in);
    header.body_crc = in.u32();
    return in.u32() == record_crc(bytes.first(record_header_bytes - 4), spot);
}

bool may_be_record(Bytes bytes, std::uint32_t body_bytes_max) {
    ByteReader in{bytes};
    const std::uint8_t kind = in.u8();
    in.u24();
    return kind >= static_cast<std::uint8_t>(RecordKind::block) &&
           kind <= static_cast<std::uint8_t>(RecordKind::value) && in.u16() <= body_bytes_max;
}

bool is_blank(Bytes bytes) {
    return std::all_of(bytes.begin(), bytes.end(),
                       [](std::byte each) { return each == std::byte{0xff}; });
}

}  // namespace longhaul::agent
