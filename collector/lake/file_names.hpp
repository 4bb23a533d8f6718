// The names of a table's files. Each ends with a part of the SHA-256 of the file's content, so a
// file that has changed is found out, and one of ours is told from those of other programs.
//
//     [late-]<shard>-<first>-<end>-<hash>.parquet    of the writer
//     [late-]merged-<hash>.parquet                   of the compaction
//     expired-<hash>.parquet                         of the retention
//     state-<hash>.parquet                           of a table whose rows are replaced
//
// Specification: docs/spec/lake.md.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::collector {

// Rows that came long after their event_time lie in files of their own.
inline constexpr std::string_view late_prefix = "late-";
inline constexpr std::string_view expired_stem = "expired";
inline constexpr std::string_view state_stem = "state";

// "receive_date=2026-11-21/" + `stem` + "-" + hash + ".parquet".
std::string data_file_path(std::string_view receive_date, std::string_view stem,
                           const Sha256& content);

// What a name of ours says; all empty: another program gave it.
struct DataFileName {
    std::string_view hash;  // 16 hexadecimal digits
    std::string_view stem;  // "late-0-17-23", "merged"
    bool late = false;
    explicit operator bool() const { return !hash.empty(); }
};
DataFileName parse_data_file_name(std::string_view path);

// Error corrupt: it is not the content that the name tells of. Names of others are taken as right.
Status check_content(std::string_view path, Bytes content);

}  // namespace longhaul::collector
