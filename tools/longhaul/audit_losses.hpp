// What _losses says, as the audit and `longhaul why` count it: the same loss told twice is one, and
// a larger run of blocks counts for those that it contains.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.hpp"

namespace longhaul::tools {

// Epoch and number of a block among those of its class.
using BlockAt = std::pair<std::uint32_t, std::uint32_t>;

// Blocks of one class, of one or several epochs.
struct LostRun {
    BlockClass block_class = BlockClass::alarm;
    BlockAt first;
    BlockAt last;
    std::uint64_t samples = 0;
    std::string reason;
    bool one_epoch() const { return first.first == last.first; }
};

// Numbers of a class in one epoch, both included.
struct LostNumbers {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
};

// The columns of _losses that lost_run() takes, in this order.
extern const std::vector<std::string> lost_run_columns;
// Of a row whose first texts are these columns; none: a loss of unknown extent, or one whose
// numbers make no sense.
std::optional<LostRun> lost_run(const std::vector<std::string>& row);

// Without those that another one contains; by class and place.
std::vector<LostRun> distinct_runs(std::vector<LostRun> runs);

// What of the run lies in the epoch; none: nothing.
std::optional<LostNumbers> numbers_in(const LostRun& run, std::uint32_t epoch);

}  // namespace longhaul::tools
