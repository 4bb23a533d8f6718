// A run of `longhaul-sim fleet`: devices are switched on, measure, hand over, and what they say of
// it is counted.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "firmware-sim/fleet/fleet_loop.hpp"

namespace longhaul::sim {

struct FleetLoad {
    std::size_t devices = 100;
    double rate = 1;           // samples a second of each device
    std::int64_t samples = 0;  // of each device; 0: those of `seconds`
    std::int64_t seconds = 60;
    std::int64_t per_batch = 0;       // 0: every device stays connected
    std::int64_t block_s = 10;        // a block waits no longer for more samples
    std::int64_t connect_rate = 100;  // devices are switched on, a second
    std::int64_t drain_s = 120;       // after the last sample everything is acknowledged
    std::int64_t lake_s = 60;         // and then it is in the lake
    std::uint64_t seed = 1;
    std::string name = "sim";  // of the devices, before their number

    std::int64_t gap_ms() const;
    std::int64_t samples_of_device() const;
};

struct FleetFigures {
    FleetDeviceCounts counts;  // of all devices
    std::size_t devices = 0;
    std::size_t connected_max = 0;  // at once
    std::size_t not_drained = 0;
    std::int64_t produced_wanted = 0;
    double seconds = 0;                // from the first device's start to the last acknowledgement
    std::vector<std::string> waiting;  // the first ones that have not drained, as sentences
};

// Where a run is; called once a second.
struct FleetProgress {
    FleetDeviceCounts counts;
    std::size_t connected = 0;
    std::int64_t wanted = 0;  // samples
    double seconds = 0;
};
using TellFleet = std::function<void(const FleetProgress& progress)>;

// Runs devices that were just made until all have drained, or drain_s is over; then all are off.
Result<FleetFigures, Message> run_fleet(const FleetDevices& devices, const FleetLoad& load,
                                        const TellFleet& tell);

}  // namespace longhaul::sim
