// The spool of a simulated device: the real one, with its flash and its memory.
#pragma once

#include <vector>

#include "agent/core/flash_spool.hpp"
#include "common/base/check.hpp"
#include "firmware-sim/sim_flash.hpp"

namespace longhaul::sim {

class SimDeviceSpool {
 public:
    static constexpr agent::FlashGeometry roomy{65536, 32, 1};

    // Full means stop: nothing is dropped.
    explicit SimDeviceSpool(Incarnation incarnation, std::uint64_t bytes_max = UINT64_MAX,
                            const agent::FlashGeometry& geometry = roomy)
        : flash_{geometry},
          entropy_{incarnation},
          memory_(agent::FlashSpool::memory_bytes(geometry)),
          spool_{flash_, stop_at(bytes_max), entropy_, memory_} {
        LH_CHECK(spool_.open().ok());
    }
    SimDeviceSpool(const SimDeviceSpool&) = delete;
    SimDeviceSpool& operator=(const SimDeviceSpool&) = delete;

    agent::FlashSpool& operator*() { return spool_; }
    SimFlash& flash() { return flash_; }

 private:
    // Formats the spool with the incarnation that the test wants.
    class FixedEntropy final : public agent::Entropy {
     public:
        explicit FixedEntropy(Incarnation incarnation) : incarnation_{incarnation} {}
        Status fill(MutableBytes room) override {
            ByteWriter out{room};
            out.u32(incarnation_.value);
            return {};
        }

     private:
        Incarnation incarnation_;
    };
    static agent::SpoolPolicy stop_at(std::uint64_t bytes_max) {
        agent::SpoolPolicy policy;
        policy.bytes_max = bytes_max;
        policy.classes.fill({0, agent::WhenFull::stop});
        return policy;
    }

    SimFlash flash_;
    FixedEntropy entropy_;
    std::vector<std::byte> memory_;
    agent::FlashSpool spool_;
};

}  // namespace longhaul::sim
