// `longhaul-sim fleet`: devices over sockets and TLS against a collector that runs, for load and
// for tests from end to end.
#pragma once

#include "firmware-sim/fleet/fleet_run.hpp"

namespace longhaul::sim {

struct FleetCommand {
    FleetPlace place{"ca", {}, {}};
    FleetLoad load;
    bool json = false;
};

// The exit code: 0 when all that was measured was acknowledged and is in the lake, once; 1 when
// not.
int fleet_command(const FleetCommand& command);

}  // namespace longhaul::sim
