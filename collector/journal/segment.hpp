// The bytes of a local journal's segment file. Specification: docs/spec/journal.md.
//
//   file    "LHJ1", u32 version = 1, u32 shard, u64 base offset, u64 salt,
//           u32 crc32c of the 28 bytes before; entries
//   entry   u32 length, u32 crc32c (of salt, the entry's offset, length, content),
//           content of `length` bytes:
//           i64 receive_time_us, u8 kind, u8 n, tenant, u8 n, device, body to the end
//
// An offset counts the bytes of entries only, over all segments of the shard: the entry at position
// p of the file with base offset b has the offset b + p - 32.
//
// Salt and offset are in the checksum so that nothing but an entry at its own place is taken for
// one: not the content of a block, which a device chooses, and not the remains of another file.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "collector/disk/disk.hpp"
#include "collector/journal/journal.hpp"

namespace longhaul::collector {

inline constexpr std::size_t segment_header_bytes = 32;
inline constexpr std::size_t entry_header_bytes = 8;
inline constexpr std::size_t entry_content_bytes_min = 8 + 1 + 1 + 1;  // no names, no body
inline constexpr std::size_t entry_content_bytes_max = 64 * 1024;
inline constexpr std::size_t entry_bytes_max = entry_header_bytes + entry_content_bytes_max;

std::string shard_folder(Shard shard);               // "shard-0003"
std::string segment_path(Shard shard, Offset base);  // "shard-0003/00000000000000001234.seg"
Result<Offset> base_of_name(std::string_view name);  // malformed: not a segment's name
// The base offsets of a shard's segments, in order.
Result<std::vector<Offset>> segment_bases(Disk& disk, Shard shard);

struct SegmentHeader {
    Shard shard = 0;
    Offset base = 0;
    std::uint64_t salt = 0;  // of the journal
    friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};
std::vector<std::byte> write_segment_header(const SegmentHeader& header);
// corrupt: damaged, which costs nothing, because name and journal.meta say the same.
// unsupported: a later version. malformed: sound, but another segment's than `expected`.
Status check_segment_header(Bytes bytes, const SegmentHeader& expected);

// What an entry's checksum begins with.
struct EntryPlace {
    std::uint64_t salt = 0;
    Offset offset = 0;

    EntryPlace after(std::size_t bytes) const { return {salt, offset + bytes}; }
};

// Adds an entry to the end of `out`. Error too_large: names or body exceed the format.
Status add_entry(const JournalEntry& entry, EntryPlace place, std::vector<std::byte>& out);

struct ParsedEntry {
    JournalEntry entry;     // points into the bytes that were parsed
    std::size_t bytes = 0;  // header and content
    std::uint32_t checksum = 0;
};
// The entry at the front of `bytes`. truncated: more bytes are needed; corrupt: it is damaged.
Result<ParsedEntry> parse_entry(Bytes bytes, EntryPlace place);

// How many bytes to skip from the front until a whole entry begins; bytes.size() when none does.
std::size_t skip_to_entry(Bytes bytes, EntryPlace place);

}  // namespace longhaul::collector
