// What a tenant's tables know: which blocks each has rows of, and of the devices what an adoption
// can tell a new journal. Read from the files of the newest version of each table.
//
// Of data tables four columns are read, one row group of one file at a time, and kept as runs: what
// it takes goes by epochs, and by blocks where a table has rows of every few only; not by rows.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "collector/lake/delta_log.hpp"
#include "collector/writer/adoption.hpp"

namespace longhaul::collector {

class LakeRanges {
 public:
    struct Progress {
        std::uint64_t tables = 0;
        std::uint64_t files = 0;
        std::uint64_t bytes = 0;  // of these files
        std::uint64_t rows = 0;   // of data tables
    };
    using Tell = std::function<void(const Progress&)>;

    // Nothing is changed in the store, which outlives this. `tell` is called after each file.
    LakeRanges(ObjectStore& store, std::string tenant, Progress& progress, Tell tell)
        : store_{store}, tenant_{std::move(tenant)}, progress_{progress}, tell_{std::move(tell)} {}

    // Error corrupt: a file is missing or damaged, faulty() says which. What it had would not be
    // known, and come twice into the table when it is mended.
    Status read();
    const std::string& faulty() const { return faulty_; }

    // Of every table that has commits; those whose rows are replaced are not among them.
    const std::vector<AdoptedTable>& tables() const { return tables_; }
    // When the newest file was committed, by the clock of whoever did.
    WallUs newest() const { return newest_; }
    // By device; its incarnations as they were heard last, the current one at the end; by epoch.
    using Take = std::function<Status(const std::string& device, const AdoptedEpoch& epoch)>;
    Status for_each_epoch(const Take& take) const;
    std::size_t epochs() const { return epochs_.size(); }

 private:
    using Key = std::tuple<std::string, std::uint32_t, std::uint32_t>;
    using Rows = std::vector<ColumnData>;

    Status find_table(const std::string& name);
    void find_last_barriers();
    Status read_table(DeltaTable& table);
    Status read_file(const std::string& table, Bytes content);
    Status read_data(const std::string& table, const std::string& path, Bytes content);
    void take_epoch(const Rows& rows, std::size_t row);
    void take_anchor(const Rows& rows, std::size_t row);
    void take_loss(const Rows& rows, std::size_t row);
    void take_quarantined(const Rows& rows, std::size_t row);
    void take_expired(const Rows& rows, std::size_t row);
    // False: the file has a value that nothing of ours has, and is refused with the column's name.
    bool fits(std::int64_t value, std::int64_t max, const char* column);
    // nullptr: no device of ours has such a name, or a number that does not fit. `column`: of the
    // epoch.
    AdoptedEpoch* find(std::string_view device, std::int64_t incarnation, std::int64_t epoch,
                       const char* column);
    AdoptedEpoch* find(const Rows& rows, std::size_t row);
    static void add_run(AdoptedEpoch& epoch, std::string_view table, std::int64_t first,
                        std::int64_t last);

    ObjectStore& store_;
    std::string tenant_;
    Progress& progress_;
    Tell tell_;
    std::string faulty_;
    std::string absurd_;  // the column of such a value
    std::vector<AdoptedTable> tables_;
    std::vector<DeltaTable> found_;  // of tables_
    // What batch files of each shard's last barrier end at, "<shard>-<offset>".
    std::set<std::string> torn_;
    WallUs newest_;
    std::map<Key, AdoptedEpoch> epochs_;
};

// Keeps so many anchors, those that the writer would.
void thin_out(EpochState& epoch, std::size_t max);

}  // namespace longhaul::collector
