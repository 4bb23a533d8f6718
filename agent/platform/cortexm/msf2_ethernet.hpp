// The Ethernet controller of SmartFusion2: rings of descriptors in memory, asked and not
// interrupting.
#pragma once

struct netif;  // NOLINT(readability-identifier-naming): lwIP's name

namespace longhaul::agent {

bool begin_msf2_ethernet(netif& interface);
void poll_msf2_ethernet(netif& interface);

}  // namespace longhaul::agent
