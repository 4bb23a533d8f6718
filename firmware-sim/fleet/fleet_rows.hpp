// What the lake says of the samples of `longhaul-sim fleet`, row by row.
#pragma once

#include <string>
#include <vector>

#include "firmware-sim/fleet/fleet_loop.hpp"

namespace longhaul::sim {

struct FleetRows {
    std::int64_t rows = 0;                // of this run's devices
    std::int64_t missing = 0;             // samples that no row has
    std::int64_t twice = 0;               // rows of samples that another row has
    std::int64_t wrong = 0;               // rows with another time or value, or of no sample
    std::int64_t quarantined = 0;         // blocks
    std::vector<std::string> violations;  // the first ones, as sentences

    bool hold() const { return missing == 0 && twice == 0 && wrong == 0 && quarantined == 0; }
};

// Waits until the lake in this folder has all that the devices have produced, lake_s at most, and
// compares each row with what was measured. Rows of earlier runs, by the incarnation of their
// spool, are not looked at.
Result<FleetRows, Message> compare_rows(const std::string& lake, const std::string& tenant,
                                        const StreamPlan& plan, const FleetDevices& devices,
                                        std::int64_t lake_s);

}  // namespace longhaul::sim
