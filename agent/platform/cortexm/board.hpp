// What a board has to offer; one file per board implements it. docs/porting.md.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/port/flash.hpp"
#include "common/base/time.hpp"

struct netif;  // NOLINT(readability-identifier-naming): lwIP's name

namespace longhaul::agent::board {

// Clocks, console and the receiver's line, before anything else.
void begin();
void write_console(std::string_view text);
// A byte of the satellite receiver's line; -1: there is none. What comes between two calls waits in
// a ring of 512 bytes.
int read_receiver();
bool receiver_has_bytes();
MonotonicMs now();
// Sleeps until something happens, a millisecond at most.
void wait();
// Without it for 30 seconds the board starts anew.
void kick_watchdog();
[[noreturn]] void reset();
// All of it, 16 MiB in sectors of 64 KiB.
Flash& flash();
// Something that is different each time it is asked; not secret by itself.
std::uint32_t noise();
// The Ethernet controller, for lwIP: false, there is none.
bool begin_ethernet(netif& interface);
// Hands over what was received and says whether the cable is in.
void poll_ethernet(netif& interface);

}  // namespace longhaul::agent::board
