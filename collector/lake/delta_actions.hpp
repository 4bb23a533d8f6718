// The actions of a Delta log: what a commit's text says, what it makes of a table, and the text of
// a commit of ours. Specification: docs/spec/lake.md; protocol reader 1, writer 2.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/lake/parquet_file.hpp"
#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::collector {

inline constexpr int delta_reader_version = 1;
inline constexpr int delta_writer_version = 2;

struct DataFile {
    std::string path;          // in the table's folder
    std::string receive_date;  // partition, YYYY-MM-DD
    std::uint64_t bytes = 0;
    std::uint64_t rows = 0;  // as `stats` say; 0: they do not
    std::string stats;       // JSON
    std::int64_t modified_ms = 0;
    bool operator==(const DataFile&) const = default;
};
// One of ours, under the name that data_file_path() gives it.
DataFile data_file(const std::string& receive_date, std::string_view stem, WrittenFile written);

// A file that the table has no more. Readers of an older version may still need it.
struct RemovedFile {
    std::string receive_date;
    std::uint64_t bytes = 0;
    std::int64_t removed_ms = 0;
};

using Txns = std::map<std::string, std::int64_t>;  // application -> its version

// What the log says up to `version`; -1: there is no table yet.
struct TableState {
    std::int64_t version = -1;
    std::string metadata;         // the newest metaData, JSON
    std::vector<Column> columns;  // of types that we write, without the partition column
    Txns txns;
    std::map<std::string, DataFile> files;  // by path
    std::map<std::string, RemovedFile> removed;

    std::int64_t txn(const std::string& app) const;  // -1: none
};

struct TableCommit {
    const char* operation = "WRITE";  // "OPTIMIZE", "DELETE"
    std::vector<DataFile> files;
    std::vector<std::string> removed;  // paths; all of them are in the table, or nothing is done
    bool new_data = true;              // false: the same rows in other files
    Txns txns;                         // of our shards, after this commit
    std::optional<Txns> txns_before;   // as the writer knows them; none: as the log has them now
    std::vector<Column> columns;       // of the files; the table gets those that it lacks
    std::string table_id_if_new;       // UUID text
    std::string description_if_new;
    std::string commit_id;  // UUID text, told again in commitInfo
    WallUs now;
};

// What actions change, gathered first, so that a commit that cannot be read changes nothing.
struct TableChanges {
    std::optional<std::string> metadata;
    std::vector<Column> columns;  // with metadata
    Txns txns;
    std::map<std::string, DataFile> added;
    std::map<std::string, RemovedFile> removed;
};
void apply(TableChanges&& changes, bool with_files, TableState& state);

// The changes of a commit's text. Error corrupt: it cannot be read, or is not what was written.
Result<TableChanges> read_commit(Bytes text);
Status check_protocol(std::int64_t reader, std::int64_t writer);
Status gather_metadata(const boost::json::object& metadata, TableChanges& changes);
// Of a file's statistics; 0: they do not say.
std::uint64_t rows_of_stats(std::string_view stats);

// The text that `commit` has behind `state`.
Result<std::string> commit_text(const TableCommit& commit, const TableState& state,
                                const std::string& table_name);

// A text or file that says its own checksum in eight hexadecimal digits behind `mark`: over all of
// it, with zeros in their place.
void stamp(std::string& text, std::string_view mark);
// `claim` stands there too if the mark does, so that no damage hides that there should be one.
bool stamp_fits(std::string_view text, std::string_view mark, std::string_view claim);

inline constexpr std::string_view commit_stamp_mark = "\"longhaulCrc32c\":\"";
inline constexpr std::string_view commit_stamp_claim = "\"checkedBy\":\"longhaulCrc32c\"";

}  // namespace longhaul::collector
