// The upkeep of a lake: what is too old goes, small files become large, the log gets checkpoints
// and is cut below them, files that nothing lists are removed. Specification: docs/spec/lake.md.
//
// Everything is decided by the log as it is now, and done by commits like any other; so it may run
// beside the writer, beside itself and beside programs of others, and be killed at any moment.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "collector/lake/compaction.hpp"

namespace longhaul::collector {

struct UpkeepSettings {
    CompactionSettings compaction;      // target_bytes 0: none
    std::int64_t interval_ms = 60'000;  // from one look to the next
    std::int64_t checkpoint_commits = 100;
    std::int64_t removed_days = 7;      // files that a table has no more, and those of no commit
    std::int64_t log_days = 7;          // commits below a checkpoint
    std::int64_t retention_days = 730;  // rows; 0: for ever
    std::int64_t state_interval_ms = 600'000;  // state tables are not replaced more often
};

struct UpkeepCounters {
    std::uint64_t compactions = 0;
    std::uint64_t merged_files = 0;  // that became one of others
    std::uint64_t merged_bytes = 0;
    std::uint64_t conflicts = 0;  // given up because another program was faster
    std::uint64_t checkpoints = 0;
    std::uint64_t removed_files = 0;
    std::uint64_t removed_bytes = 0;
    std::uint64_t removed_commits = 0;
    std::uint64_t expired_files = 0;
    std::uint64_t expired_rows = 0;
    std::uint64_t failures = 0;  // pieces of work that did not succeed
};

// Of a table as it was looked at last.
struct TableSize {
    std::int64_t version = -1;
    std::int64_t checkpoint = -1;
    std::uint64_t files = 0;
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    std::uint64_t removed_files = 0;  // that the table has no more and the log still tells of
    std::int64_t grown_ms = 0;        // when its newest row was received, since 1970
};

class Upkeep {
 public:
    struct Note {
        bool problem = false;
        std::string table;
        std::string text;
    };
    struct Ports {
        StopAsked stop = [] { return false; };
        std::function<void(const Note&)> tell = [](const Note&) {};
    };
    enum Work : unsigned { nothing = 0, compacting = 1, cleaning = 2, all_work = 3 };

    // The store outlives it.
    Upkeep(ObjectStore& store, const UpkeepSettings& settings, Ports ports)
        : store_{store}, settings_{settings}, ports_{std::move(ports)} {}

    void set(const UpkeepSettings& settings) { settings_ = settings; }
    const UpkeepCounters& counters() const { return counters_; }
    const std::map<std::string, TableSize>& tables() const { return tables_; }

    // Folders of all tables: "acme/bus_position".
    Result<std::vector<std::string>> folders();
    // One table, or all of them one after the other. What cannot be done now is told and left for
    // the next time.
    void look_after(const std::string& folder, unsigned work, WallUs now);
    // Only how large it is.
    void look_at(const std::string& folder);
    void look_after_all(unsigned work, WallUs now);

 private:
    void compact_table(DeltaTable& table, WallUs now);
    void expire_table(DeltaTable& table, WallUs now);
    bool has_news(const std::string& folder) const;
    Status write_checkpoint(DeltaTable& table, WallUs now);
    Status remove_files(DeltaTable& table, WallUs now);
    Status cut_log(const DeltaTable& table, WallUs now);
    Status thin_checkpoints(const std::string& folder, const std::vector<StoredObject>& names);
    void note_size(const DeltaTable& table);
    bool is_done(const Status& status, const DeltaTable& table, const char* what);
    void tell(bool problem, const DeltaTable& table, std::string text);

    ObjectStore& store_;
    UpkeepSettings settings_;
    Ports ports_;
    UpkeepCounters counters_;
    std::map<std::string, TableSize> tables_;
    std::map<std::string, std::set<std::string>> passed_over_;  // by table; cannot be merged
};

}  // namespace longhaul::collector
