// The bytes of a local journal's segment file. Specification: docs/spec/journal.md.
//
//   file    "LHJ1", u32 version = 1, u32 shard, u64 base offset, u32 crc32c of the 20 bytes before;
//   entries entry   u32 length, u32 crc32c (of length and content), content of `length` bytes:
//           i64 receive_time_us, u8 kind, u8 n, tenant, u8 n, device, body to the end
//
// An offset counts the bytes of entries only, over all segments of the shard: the entry at position
// p of the file with base offset b has the offset b + p - 24.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "collector/disk/disk.hpp"
#include "collector/journal/journal.hpp"

namespace longhaul::collector {

inline constexpr std::size_t segment_header_bytes = 24;
inline constexpr std::size_t entry_header_bytes = 8;
inline constexpr std::size_t entry_content_bytes_max = 64 * 1024;

std::string shard_folder(Shard shard);               // "shard-0003"
std::string segment_path(Shard shard, Offset base);  // "shard-0003/00000000000000001234.seg"
Result<Offset> base_of_name(std::string_view name);  // malformed: not a segment's name

std::vector<std::byte> make_segment_header(Shard shard, Offset base);
Status check_segment_header(Bytes header, Shard shard, Offset base);

// Adds an entry to the end of `out`. Error too_large: names or body exceed the format.
Status add_entry(const JournalEntry& entry, std::vector<std::byte>& out);

struct ParsedEntry {
    JournalEntry entry;     // points into the bytes that were parsed
    std::size_t bytes = 0;  // header and content
};
// The entry at the front of `bytes`. truncated: more bytes are needed; corrupt: it is damaged.
Result<ParsedEntry> parse_entry(Bytes bytes);

// How many bytes to skip from the front until a whole entry begins; bytes.size() when none does.
std::size_t skip_to_entry(Bytes bytes);

}  // namespace longhaul::collector
