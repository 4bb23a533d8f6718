// The machine's two clocks, as the collector's parts are given them.
#pragma once

#include <chrono>

#include "common/base/time.hpp"

namespace longhaul::collector {

inline MonotonicMs monotonic_now() {
    using namespace std::chrono;
    return {duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count()};
}

inline std::chrono::steady_clock::time_point time_point_of(MonotonicMs time) {
    if (time == MonotonicMs::never()) return std::chrono::steady_clock::time_point::max();
    return std::chrono::steady_clock::time_point{std::chrono::milliseconds{time.value}};
}

inline WallUs wall_now() {
    using namespace std::chrono;
    return {duration_cast<microseconds>(system_clock::now().time_since_epoch()).count()};
}

}  // namespace longhaul::collector
