// Arm's MPS2 boards, with Cortex-M3 (AN385) and Cortex-M33 (AN505): LAN9118 Ethernet, CMSDK serial
// lines, external RAM that takes the place of a flash.
#include <cstring>

#include "agent/platform/cortexm/board.hpp"
#include "agent/platform/cortexm/byte_ring.hpp"
#include "agent/platform/cortexm/lan9118.hpp"
#include "agent/platform/cortexm/mapped_flash.hpp"
#include "agent/platform/cortexm/tick.hpp"
#if defined(LH_TORN_FLASH_AT)
#include "agent/platform/cortexm/torn_flash.hpp"
#endif

namespace longhaul::agent::board {
namespace {

#if defined(LH_BOARD_MPS2_AN505)
constexpr std::uint32_t clock_hz = 20'000'000, console_at = 0x50200000, receiver_at = 0x50201000;
constexpr std::uint32_t ethernet_at = 0x52000000, memory_at = 0x80000000;
constexpr unsigned receiver_interrupt = 34;
#else
constexpr std::uint32_t clock_hz = 25'000'000, console_at = 0x40004000, receiver_at = 0x40005000;
constexpr std::uint32_t ethernet_at = 0x40200000, memory_at = 0x21000000;
constexpr unsigned receiver_interrupt = 2;
#endif

// A CMSDK serial line: DATA, STATE (1: cannot send, 2: has received), CTRL, INTSTATUS, BAUDDIV.
struct SerialLine {
    volatile std::uint32_t data;
    volatile std::uint32_t state;
    volatile std::uint32_t control;
    volatile std::uint32_t interrupts;
    volatile std::uint32_t divider;
};
SerialLine& line(std::uint32_t address) { return *reinterpret_cast<SerialLine*>(address); }

#if defined(LH_TORN_FLASH_AT)
// A small one, so that it is soon full and sectors are erased.
MappedFlash memory{reinterpret_cast<std::byte*>(memory_at), {4096, 24, 1}};
TornFlash torn{memory, *reinterpret_cast<const std::uint32_t*>(LH_TORN_FLASH_AT)};
Flash& whole = torn;
#else
MappedFlash memory{reinterpret_cast<std::byte*>(memory_at)};
Flash& whole = memory;
#endif
Lan9118 ethernet{ethernet_at};
ByteRing ring;

void take_received() {
    SerialLine& from = line(receiver_at);
    while (!ring.full() && (from.state & 2U) != 0) ring.put(static_cast<std::uint8_t>(from.data));
}

}  // namespace

void begin() {
    begin_tick(clock_hz);
    for (const std::uint32_t each : {console_at, receiver_at})
        line(each).divider = clock_hz / 115'200;
    line(console_at).control = 1;
    line(receiver_at).control = 2 | 8;  // receive, and say so
    enable_interrupt(receiver_interrupt);
}

void write_console(std::string_view text) {
    SerialLine& to = line(console_at);
    for (const char each : text) {
        while ((to.state & 1U) != 0) {
        }
        to.data = static_cast<std::uint8_t>(each);
    }
}

// What did not fit into the ring waits in the line itself, and has no interrupt any more.
bool receiver_has_bytes() {
    line(receiver_at).control = 2;
    take_received();
    line(receiver_at).control = 2 | 8;
    return !ring.empty();
}

int read_receiver() { return receiver_has_bytes() ? ring.get() : -1; }

void take_interrupt() {
    line(receiver_at).interrupts = 2;
    take_received();
    if (ring.full()) line(receiver_at).control = 2;
}

MonotonicMs now() { return tick_now(); }
void wait() { asm volatile("wfi"); }
void kick_watchdog() { kick_tick_watchdog(); }
void reset() { system_reset(); }
Flash& flash() { return whole; }
std::uint32_t noise() { return tick_fraction() ^ ethernet.counter(); }
bool begin_ethernet(netif& interface) { return ethernet.begin(interface); }
void poll_ethernet(netif& interface) { ethernet.poll(interface); }

}  // namespace longhaul::agent::board

extern "C" void board_handler() { longhaul::agent::board::take_interrupt(); }
