// What each device takes up in the lake: of each file of a data table its share, by rows, so that
// all shares together are the bytes of the files. It changes with merging, so it is told when asked
// for and stands in no table.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "collector/lake/delta_log.hpp"

namespace longhaul::tools {

struct StoredBy {
    std::string tenant;
    std::string device;                   // empty: rows that others have added without one
    std::optional<std::int64_t> hour_us;  // of receive_time, UTC; none: not asked for, or not there
    friend auto operator<=>(const StoredBy&, const StoredBy&) = default;
};
struct Stored {
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
};
using StoredShares = std::map<StoredBy, Stored>;

struct StoredProgress {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
};

// Adds a table's files: all by device, or those of one receive_date by device and hour. `tell` is
// called behind each file.
Status add_stored(collector::ObjectStore& lake, const std::string& folder, const std::string& day,
                  StoredShares& shares, const std::function<void(StoredProgress)>& tell,
                  std::string& faulty);

}  // namespace longhaul::tools
