// What is the same for all Ethernet controllers.
#pragma once

#include <lwip/etharp.h>
#include <lwip/netif.h>

#include <algorithm>
#include <array>

namespace longhaul::agent {

// An address of its own is for a board that has one; this one is of those for local use.
inline void set_up_interface(netif& interface, netif_linkoutput_fn send) {
    constexpr std::array<std::uint8_t, 6> mac{0x02, 0x4c, 0x48, 0x00, 0x00, 0x01};
    std::copy(mac.begin(), mac.end(), interface.hwaddr);
    interface.hwaddr_len = mac.size();
    interface.mtu = LH_MTU;
    interface.flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    interface.name[0] = 'l';
    interface.name[1] = 'h';
    interface.output = etharp_output;
    interface.linkoutput = send;
}

inline void follow_cable(netif& interface, bool in) {
    if (in == (netif_is_link_up(&interface) != 0)) return;
    if (in)
        netif_set_link_up(&interface);
    else
        netif_set_link_down(&interface);
}

}  // namespace longhaul::agent
