// Emcraft's SmartFusion2 module: 16550 serial lines, its own Ethernet controller, SPI NOR.
#include "agent/platform/cortexm/board.hpp"
#include "agent/platform/cortexm/byte_ring.hpp"
#include "agent/platform/cortexm/msf2_ethernet.hpp"
#include "agent/platform/cortexm/spi_nor.hpp"
#include "agent/platform/cortexm/tick.hpp"

namespace longhaul::agent::board {
namespace {

constexpr std::uint32_t clock_hz = 142'000'000, console_at = 0x40000000, receiver_at = 0x40010000;
constexpr unsigned receiver_interrupt = 11;

// A 16550: data, interrupts allowed, FIFO control, line control, modem control, line status (1: has
// received, 0x20: can send).
struct SerialLine {
    volatile std::uint32_t data;
    volatile std::uint32_t interrupts;
    volatile std::uint32_t fifo;
    volatile std::uint32_t line_control;
    volatile std::uint32_t modem;
    volatile std::uint32_t status;
};
SerialLine& line(std::uint32_t address) { return *reinterpret_cast<SerialLine*>(address); }

SpiNor nor;
ByteRing ring;

void take_received() {
    SerialLine& from = line(receiver_at);
    while (!ring.full() && (from.status & 1U) != 0) ring.put(static_cast<std::uint8_t>(from.data));
}

}  // namespace

void begin() {
    begin_tick(clock_hz);
    for (const std::uint32_t each : {console_at, receiver_at}) {
        line(each).line_control = 3;
        line(each).fifo = 7;
    }
    line(receiver_at).interrupts = 1;
    enable_interrupt(receiver_interrupt);
}

void write_console(std::string_view text) {
    SerialLine& to = line(console_at);
    for (const char each : text) {
        while ((to.status & 0x20U) == 0) {
        }
        to.data = static_cast<std::uint8_t>(each);
    }
}

// What did not fit into the ring waits in the line itself, and has no interrupt any more.
bool receiver_has_bytes() {
    line(receiver_at).interrupts = 0;
    take_received();
    line(receiver_at).interrupts = 1;
    return !ring.empty();
}

int read_receiver() { return receiver_has_bytes() ? ring.get() : -1; }

void take_interrupt() {
    take_received();
    if (ring.full()) line(receiver_at).interrupts = 0;
}

MonotonicMs now() { return tick_now(); }
void wait() { asm volatile("wfi"); }
void kick_watchdog() { kick_tick_watchdog(); }
void reset() { system_reset(); }
Flash& flash() { return nor; }
std::uint32_t noise() { return tick_fraction(); }
bool begin_ethernet(netif& interface) { return begin_msf2_ethernet(interface); }
void poll_ethernet(netif& interface) { poll_msf2_ethernet(interface); }

}  // namespace longhaul::agent::board

extern "C" void board_handler() { longhaul::agent::board::take_interrupt(); }
