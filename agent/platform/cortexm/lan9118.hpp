// SMSC LAN9118, an Ethernet controller with FIFOs in memory, asked and not interrupting.
#pragma once

#include <cstdint>

struct netif;  // NOLINT(readability-identifier-naming): lwIP's name

namespace longhaul::agent {

class Lan9118 {
 public:
    constexpr explicit Lan9118(std::uint32_t address) : address_{address} {}

    bool begin(netif& interface);
    void poll(netif& interface);
    // Its own clock, 25 MHz.
    std::uint32_t counter() const;

 private:
    std::uint32_t address_;
};

}  // namespace longhaul::agent
