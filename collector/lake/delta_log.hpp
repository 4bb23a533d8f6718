// One Delta table: its log read and written. Specification: docs/spec/lake.md; protocol reader 1,
// writer 2.
//
// The log is the only commit point of a table. A commit carries, for each shard, how far in the
// journal its rows reach (`txn`), so that rows and position become visible together or not at all.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "collector/lake/delta_actions.hpp"
#include "collector/lake/object_store.hpp"

namespace longhaul::collector {

class DeltaTable {
 public:
    // Which part of the state is kept: a writer needs no files, and there may be many.
    enum class Keep : std::uint8_t { everything, no_files };

    // `folder` is the table's folder in the store.
    DeltaTable(ObjectStore& store, std::string folder, Keep keep = Keep::everything)
        : store_{store}, folder_{std::move(folder)}, keep_{keep} {}

    const std::string& folder() const { return folder_; }
    const TableState& state() const { return state_; }
    // The version of the checkpoint that reading began with; -1: with the log's first commit.
    std::int64_t checkpoint() const { return checkpoint_; }
    // Names of newer checkpoints that are damaged; what they say came from elsewhere.
    const std::vector<std::string>& damaged_checkpoints() const { return damaged_checkpoints_; }
    // Path of what the last error is about; may be empty.
    const std::string& faulty() const { return faulty_; }

    // Reads what came since: at first the newest checkpoint that is whole, then commits. Error
    // unsupported: a protocol or a log that we do not know.
    Status refresh();

    // The content of one of the table's files. Error corrupt: it is missing, or has another size
    // than the log says; unsupported: it lies outside of the table's folder.
    Result<std::vector<std::byte>> read(const DataFile& file);

    // Commits, behind whatever others have committed meanwhile. A commit whose txns are there
    // already is done, and so is one without any whose files are there, those to be removed not:
    // so whoever was not told what became of it asks again. Error denied: another writer has moved
    // the txn of one of our shards, or a column of that name and another type is there;
    // out_of_order: a file to be removed is not there any more.
    // `allows`: asked about the state behind which the commit would come, each time; its error ends
    // it, and nothing is committed.
    using Allows = std::function<Status(const TableState& state)>;
    Status commit(const TableCommit& commit, const Allows& allows = {});

    // Puts a checkpoint of the state beside the log, and reads it back. Needs all files.
    Status write_checkpoint(std::int64_t forget_removed_until_ms);

 private:
    Status begin();
    Result<bool> is_whole();
    Result<bool> is_done(const TableCommit& commit, const Txns& before) const;
    Result<bool> is_at_end();
    Status read_again();
    Result<bool> confirm(std::int64_t version);
    Result<bool> has_commit(std::int64_t version);
    Result<bool> is_first();
    std::string log_folder() const { return folder_ + "/_delta_log"; }

    ObjectStore& store_;
    std::string folder_;
    Keep keep_;
    TableState state_;
    std::int64_t checkpoint_ = -1;
    std::vector<std::string> damaged_checkpoints_;
    std::string faulty_;
    bool begun_ = false;
    bool checked_ = false;  // that the log has no gap
};

// The names in a log's folder, by the version in twenty digits; -1: the name is of no such file.
std::string commit_name(std::int64_t version);
std::string checkpoint_name(std::int64_t version);
std::int64_t commit_version(std::string_view name);
std::int64_t checkpoint_version(std::string_view name);

// The path of an `add`, a percent-encoded URI, in the table's folder. Error: it lies elsewhere.
Result<std::string> decoded_path(std::string_view path);

}  // namespace longhaul::collector
