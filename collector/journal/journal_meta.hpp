// journal.meta: what a local journal is, written once when it is made. Specification:
// docs/spec/journal.md.
//
//   "LHJM", u32 version = 1, uuid (16), u32 resend, u32 shards, u64 salt,
//   u32 crc32c of the 40 bytes before
#pragma once

#include <vector>

#include "collector/journal/journal.hpp"

namespace longhaul::collector {

inline constexpr std::string_view journal_meta_path = "journal.meta";
inline constexpr std::size_t journal_meta_bytes = 44;
inline constexpr Shard shards_max = 4096;

struct JournalMeta {
    JournalId id;
    Shard shards = 1;
    std::uint64_t salt = 0;  // in every entry's checksum; segment.hpp says why
};

std::vector<std::byte> write_journal_meta(const JournalMeta& meta);
Result<JournalMeta> parse_journal_meta(Bytes bytes);

}  // namespace longhaul::collector
