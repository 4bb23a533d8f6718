// One Delta table: its log read and written. Specification: docs/spec/lake.md; protocol reader 1,
// writer 2.
//
// The log is the only commit point of a table. A commit carries, for each shard, how far in the
// journal its rows reach (`txn`), so that rows and position become visible together or not at all.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "collector/lake/batch.hpp"
#include "collector/lake/object_store.hpp"
#include "common/base/time.hpp"

namespace longhaul::collector {

struct DataFile {
    std::string path;          // in the table's folder
    std::string receive_date;  // partition, YYYY-MM-DD
    std::uint64_t bytes = 0;
    std::uint64_t rows = 0;
    std::string stats;  // JSON
};

using Txns = std::map<std::string, std::int64_t>;  // application -> its version

// What the log says up to `version`; -1: there is no table yet.
struct TableState {
    std::int64_t version = -1;
    std::string metadata;         // the newest metaData, JSON
    std::vector<Column> columns;  // of types that we write, without the partition column
    Txns txns;
    std::map<std::string, DataFile> files;  // by path

    std::int64_t txn(const std::string& app) const;  // -1: none
};

struct TableCommit {
    std::vector<DataFile> files;
    Txns txns;                    // of our shards, after this commit
    std::vector<Column> columns;  // of the files; the table gets those that it lacks
    std::string table_id_if_new;  // UUID text
    std::string description_if_new;
    std::string commit_id;  // UUID text, told again in commitInfo
    WallUs now;
};

class DeltaTable {
 public:
    // `folder` is the table's folder in the store.
    DeltaTable(ObjectStore& store, std::string folder)
        : store_{store}, folder_{std::move(folder)} {}

    const std::string& folder() const { return folder_; }
    const TableState& state() const { return state_; }

    // Reads the commits that came since. Error unsupported: a protocol or a log that we do not
    // know.
    Status refresh();

    // The content of one of the table's files. Error corrupt: it is missing, or has another size
    // than the log says; unsupported: it lies outside of the table's folder.
    Result<std::vector<std::byte>> read(const DataFile& file);

    // Commits, behind whatever others have committed meanwhile. A commit whose txns are there
    // already is done. Error denied: another writer has moved the txn of one of our shards, or a
    // column of that name and another type is there.
    Status commit(const TableCommit& commit);

 private:
    Status apply(Bytes commit_file);
    Result<bool> is_whole();
    std::string first_metadata(const TableCommit& commit) const;
    Result<std::string> metadata_for(const TableCommit& commit) const;
    Result<std::string> commit_text(const TableCommit& commit) const;
    Result<bool> is_done(const TableCommit& commit, const Txns& before) const;

    ObjectStore& store_;
    std::string folder_;
    TableState state_;
    bool checked_ = false;  // that the log has no gap
};

// Statistics of some rows of a batch for DataFile::stats: counts, and bounds that engines prune
// with.
std::string delta_stats(const Batch& batch);

}  // namespace longhaul::collector
