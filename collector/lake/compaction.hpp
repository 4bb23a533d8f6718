// Small files of a partition become a large one; the rows stay the same. Specification:
// docs/spec/lake.md.
#pragma once

#include <optional>
#include <set>

#include "collector/lake/delta_log.hpp"
#include "collector/lake/merge.hpp"

namespace longhaul::collector {

struct CompactionSettings {
    std::uint64_t target_bytes = 256 << 20;
    std::size_t files_min = 16;  // of a day that is not over
    std::size_t files_max = 64;  // open at a time
};

struct CompactionPlan {
    std::string receive_date;
    bool late = false;
    std::vector<DataFile> inputs;
    std::uint64_t bytes = 0;
};

// What is to be merged next; none: nothing. Paths in `passed_over` count as not there.
std::optional<CompactionPlan> plan_compaction(const TableState& state,
                                              const CompactionSettings& settings, WallUs now,
                                              const std::set<std::string>& passed_over);

// Merges, reads the new file back, compares all values, and lets one commit exchange the files.
// Error out_of_order: somebody else has changed one of them meanwhile, nothing is done; corrupt or
// unsupported: `faulty` is a file that has to be passed over; closed: it was asked to stop.
Result<DataFile> compact(ObjectStore& store, DeltaTable& table, const CompactionPlan& plan,
                         WallUs now, const StopAsked& stop, std::string& faulty);

}  // namespace longhaul::collector
