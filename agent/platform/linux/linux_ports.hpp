// Ports that Linux gives by itself: random bytes and clocks.
#pragma once

#include "agent/port/clock.hpp"
#include "agent/port/entropy.hpp"
#include "common/base/time.hpp"

namespace longhaul::agent {

// Since the machine was started, sleep included, so that ticks of an epoch are true distances.
MonotonicMs monotonic_now();

// The kernel's generator; blocks once at most, early after the machine's first start.
class LinuxEntropy final : public Entropy {
 public:
    Status fill(MutableBytes room) override;
};

// The system's clock. Whether it is synchronized, and its error, is what the kernel was told by the
// time service. A date before this program was written counts as none.
class LinuxWallClock final : public WallClock {
 public:
    WallReading read() override;
};

}  // namespace longhaul::agent
