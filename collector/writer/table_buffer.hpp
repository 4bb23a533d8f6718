// One table of the lake and the rows that wait for its next commit.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/journal/journal.hpp"
#include "collector/lake/delta_log.hpp"
#include "collector/writer/adoption.hpp"
#include "collector/writer/entry_mark.hpp"

namespace longhaul::collector {

// Whether an appId is "<uuid>/<shard>" of a journal. Applications of other programs have names of
// other shapes, and so have entry marks.
bool is_of_journal(std::string_view app);
// "<uuid>/<shard>"; of its entry mark: with "/entry" behind it.
std::string app_name(const std::string& journal, Shard shard);
// The last entry that the table has of the journal's shard; none: it has none, or an older program
// has committed last.
std::optional<EntryMark> entry_mark(const TableState& state, const std::string& journal,
                                    Shard shard);

class TableBuffer {
 public:
    // `journal` is the journal's UUID as text; `key_columns` are how a file's rows are sorted
    // (text, time); none: in the order of the journal.
    TableBuffer(ObjectStore& store, std::string folder, std::string journal,
                std::vector<Column> columns, bool sorted);

    // Reads the log and takes over its columns. denied: the table holds rows of another journal, or
    // from behind what ours held when the writer started (by shard), so that it was rolled back.
    // `adopted`: what other journals had committed when ours adopted it.
    Status open(std::span<const Offset> ends_at_start, AdoptedTxns adopted);
    // denied: it has more of the journal than that had at these ends.
    static Status check_own_txns(const TableState& state, const std::string& journal,
                                 std::span<const Offset> ends);

    const std::string& folder() const { return table_.folder(); }
    // Path of the file that an error is about; may be empty.
    const std::string& faulty() const { return table_.faulty(); }
    // How far the shard's rows are in the table, as it was opened or we have committed last; -1: it
    // has none.
    std::int64_t txn(Shard shard) const;
    const TableState& state() const { return table_.state(); }
    // The rows of entries that end here or before are in the table already.
    bool has(Shard shard, Offset end) const;

    // Position of a schema's column. One that is there with another kind, or is `taken` by another
    // field of the same schema, leaves the name `<name>__<kind>`.
    std::size_t column_for(const Column& wanted, std::span<const std::size_t> taken);

    // The batch for a row that comes from an entry of this shard; to be used before the next call.
    Batch& batch(Shard shard, const std::string& receive_date, Offset offset);

    std::size_t rows() const;
    std::size_t bytes() const;

    // The two halves of a barrier. `lasts`: the last entry of each shard whose rows are in the
    // buffer.
    bool has_unwritten() const { return !batches_.empty(); }
    Status write_one_file(const std::vector<EntryMark>& lasts);
    bool has_uncommitted() const { return !files_.empty() && batches_.empty(); }
    // denied, too, when another journal has committed since, ours having been adopted by it or
    // having adopted it: rows of both would stand there twice.
    Status commit(const std::vector<EntryMark>& lasts, WallUs now);

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

    Result<DataFile> write_file(const Batch& batch, const std::vector<std::uint32_t>& rows,
                                const std::string& receive_date, const std::string& stem);
    Status find_files();
    std::string app_of(Shard shard) const { return app_name(journal_, shard); }
    Status check_journals(const TableState& state) const;

    ObjectStore& store_;
    DeltaTable table_;
    std::string journal_;
    std::vector<Column> columns_;
    bool sorted_;
    AdoptedTxns adopted_;
    Txns txns_;  // of the table, by our last commit
    std::map<Key, Pending> batches_;
    std::vector<DataFile> files_;  // written, not yet committed
};

}  // namespace longhaul::collector
