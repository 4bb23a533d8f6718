// Port: what the device's clock says about the date. Deadlines never use it.
#pragma once

#include <cstdint>

#include "common/base/time.hpp"

namespace longhaul::agent {

// Of a clock that nobody vouches for: it may be years off. The writer takes it for no bound.
inline constexpr std::uint64_t error_us_unbounded = std::uint64_t{1} << 62;

struct WallReading {
    bool known = false;
    bool synchronized = false;  // by NTP, GNSS or the collector in this epoch
    WallUs now;
    std::uint64_t error_us = 0;   // bound of the error, when known
    bool from_collector = false;  // the device's own clock is not believed, or there is none
};

class WallClock {
 public:
    virtual WallReading read() = 0;

 protected:
    ~WallClock() = default;
};

}  // namespace longhaul::agent
