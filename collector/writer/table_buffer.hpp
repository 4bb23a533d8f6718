// One table of the lake and the rows that wait for its next commit.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "collector/journal/journal.hpp"
#include "collector/lake/delta_log.hpp"

namespace longhaul::collector {

class TableBuffer {
 public:
    // `journal` is the journal's UUID as text; `key_columns` are how a file's rows are sorted (text, time);
    // none: in the order of the journal.
    TableBuffer(ObjectStore& store, std::string folder, std::string journal, std::vector<Column> columns,
                bool sorted);

    // Reads the log and takes over its columns. denied: its txn lies behind the durable end of our journal,
    // so the journal was rolled back or is another one.
    Status open(const Journal& journal);

    const std::string& folder() const { return table_.folder(); }
    // The rows of entries that end here or before are in the table already.
    bool has(Shard shard, Offset end) const;

    // Position of a schema's column; a column of another kind under the same name gets a name of its own.
    std::size_t column_for(const Column& wanted);

    // The batch for a row that comes from an entry of this shard; to be used before the next call.
    Batch& batch(Shard shard, const std::string& receive_date, Offset offset);

    std::size_t rows() const;
    std::size_t bytes() const;

    // The two halves of a barrier. `ends`: up to where each shard's rows are in the buffer.
    bool has_unwritten() const { return !batches_.empty(); }
    Status write_one_file(const std::vector<Offset>& ends);
    bool has_uncommitted() const { return !files_.empty() && batches_.empty(); }
    Status commit(const std::vector<Offset>& ends, WallUs now);

 private:
    struct Key {
        Shard shard;
        std::string receive_date;
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    struct Pending {
        Batch batch;
        Offset first;
    };

    std::string app_of(Shard shard) const;

    ObjectStore& store_;
    DeltaTable table_;
    std::string journal_;
    std::vector<Column> columns_;
    bool sorted_;
    std::map<Key, Pending> batches_;
    std::vector<DataFile> files_;  // written, not yet committed
};

}  // namespace longhaul::collector
