// What a run of `longhaul-sim fleet` has to say: for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "firmware-sim/fleet/fleet_rows.hpp"
#include "firmware-sim/fleet/fleet_run.hpp"

namespace longhaul::sim {

struct FleetReport {
    FleetFigures figures;
    FleetRows rows;

    // Measured, acknowledged and in the lake are the same, and nothing else is there.
    bool holds() const;
    std::vector<std::string> violations() const;
};

std::string in_words(const FleetReport& report);
std::string in_json(const FleetReport& report);  // one object, one line
// `rate` in samples a second, `left` in samples.
std::string progress_line(const FleetProgress& progress, double rate, double left);

}  // namespace longhaul::sim
