#include "agent/platform/cortexm/tick.hpp"

#include "agent/platform/cortexm/last_words.hpp"

namespace longhaul::agent {
namespace {

#if !defined(LH_WATCHDOG_MS)
#define LH_WATCHDOG_MS 30'000
#endif
constexpr std::uint32_t watchdog_ms = LH_WATCHDOG_MS;

volatile std::uint32_t ticks = 0;
volatile std::uint32_t rounds = 0;  // of `ticks`
volatile std::uint32_t kicked_at = 0;

volatile std::uint32_t& at(std::uint32_t address) {
    return *reinterpret_cast<volatile std::uint32_t*>(address);
}

}  // namespace

void begin_tick(std::uint32_t clock_hz) {
    at(0xe000e014) = clock_hz / 1000 - 1;
    at(0xe000e018) = 0;
    at(0xe000e010) = 7;
}

MonotonicMs tick_now() {
    for (;;) {
        const std::uint32_t high = rounds;
        const std::uint32_t low = ticks;
        if (high == rounds) return {static_cast<std::int64_t>(std::uint64_t{high} << 32 | low)};
    }
}

void kick_tick_watchdog() { kicked_at = ticks; }

std::uint32_t tick_fraction() { return at(0xe000e018); }

// What was left behind for the next start is in memory by then: the compiler does not know that
// anybody will read it.
void system_reset() {
    asm volatile("dsb" ::: "memory");
    at(0xe000ed0c) = 0x05fa0004;
    asm volatile("dsb");
    for (;;) asm volatile("wfi");
}

void enable_interrupt(unsigned number) { at(0xe000e100 + 4 * (number / 32)) = 1U << number % 32; }

}  // namespace longhaul::agent

extern "C" void tick_handler() {
    using namespace longhaul::agent;
    const std::uint32_t next = ticks + 1;
    if (next == 0) rounds = rounds + 1;
    ticks = next;
    if (next - kicked_at > watchdog_ms) die(Death::watchdog, "the main loop hung", 0);
}
