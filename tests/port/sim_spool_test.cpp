// The simulated spool keeps the contract as far as a device without reboots can see it.
#include "firmware-sim/sim_spool.hpp"

#include <memory>

#include "tests/port/spool_contract.hpp"

namespace {

struct SimSpoolHarness {
    static constexpr bool survives_reboot = false;
    std::unique_ptr<longhaul::sim::SimSpool> spool;
    longhaul::agent::Spool& open(std::uint64_t bytes_max) {
        spool = std::make_unique<longhaul::sim::SimSpool>(longhaul::Incarnation{7}, bytes_max);
        return *spool;
    }
    longhaul::agent::Spool& restart() { return *spool; }
};

}  // namespace

LH_SPOOL_CONTRACT(SimSpoolHarness)
