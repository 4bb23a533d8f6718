// Time by the processor's own timer, and a watchdog that it keeps.
#pragma once

#include <cstdint>

#include "common/base/time.hpp"

namespace longhaul::agent {

void begin_tick(std::uint32_t clock_hz);
MonotonicMs tick_now();
void kick_tick_watchdog();
// Ticks of the processor's clock since begin_tick().
std::uint64_t tick_count(std::uint32_t clock_hz);
// Parts of the millisecond that is going on.
std::uint32_t tick_fraction();
[[noreturn]] void system_reset();
// Lets a device's interrupt through.
void enable_interrupt(unsigned number);

}  // namespace longhaul::agent
