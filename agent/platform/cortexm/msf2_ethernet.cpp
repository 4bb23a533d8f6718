#include "agent/platform/cortexm/msf2_ethernet.hpp"

#include <lwip/pbuf.h>

#include <array>
#include <cstdint>

#include "agent/platform/cortexm/interface_setup.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint32_t controller_at = 0x40041000;
enum Register : std::uint32_t {
    config1 = 0x00,
    mii_command = 0x24,
    mii_address = 0x28,
    mii_status = 0x30,
    mac_first = 0x40,
    mac_last = 0x44,
    fifo_config = 0x48,
    send_start = 0x180,
    send_descriptor = 0x184,
    send_status = 0x188,
    receive_start = 0x18c,
    receive_descriptor = 0x190,
    receive_status = 0x194,
};
constexpr std::uint32_t empty = 0x8000'0000, overflow = 4;

struct Descriptor {
    volatile std::uint32_t address;
    volatile std::uint32_t size;  // or `empty`: received nothing yet, or sent
    volatile std::uint32_t next;
};
// Others may send as much as Ethernet takes, whatever they were told of our MTU; ours are its
// headers and a datagram.
using ReceivedFrame = std::array<std::uint8_t, 1536>;
using SentFrame = std::array<std::uint8_t, 16 + LH_MTU>;

constexpr unsigned receive_count = 2;
std::array<Descriptor, receive_count> receive_ring;
alignas(4) std::array<ReceivedFrame, receive_count> receive_frames;
Descriptor to_send;
alignas(4) SentFrame send_frame;
unsigned current = 0;

volatile std::uint32_t& port(std::uint32_t offset) {
    return *reinterpret_cast<volatile std::uint32_t*>(controller_at + offset);
}
template <class T>
std::uint32_t address_of(T& object) {
    return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&object));
}

std::uint32_t read_phy(std::uint32_t index) {
    port(mii_address) = 1U << 8 | index;
    port(mii_command) = 1;
    return port(mii_status);
}

err_t send(netif*, pbuf* frame) {
    if ((to_send.size & empty) == 0) return ERR_MEM;
    if (frame->tot_len > send_frame.size()) return ERR_BUF;
    pbuf_copy_partial(frame, send_frame.data(), frame->tot_len, 0);
    to_send = {address_of(send_frame), frame->tot_len, address_of(to_send)};
    asm volatile("dmb" ::: "memory");
    port(send_descriptor) = address_of(to_send);
    port(send_start) = 1;
    port(send_status) = 1;
    return ERR_OK;
}

void receive_from(unsigned index) {
    port(receive_descriptor) = address_of(receive_ring[index]);
    port(receive_start) = 1;
}

}  // namespace

bool begin_msf2_ethernet(netif& interface) {
    port(config1) = 0x8000'0000;
    port(config1) = 0;
    set_up_interface(interface, send);
    const std::uint8_t* const mac = interface.hwaddr;
    port(mac_first) = std::uint32_t{mac[0]} << 24 | std::uint32_t{mac[1]} << 16 |
                      std::uint32_t{mac[2]} << 8 | mac[3];
    port(mac_last) = std::uint32_t{mac[4]} << 24 | std::uint32_t{mac[5]} << 16;
    for (unsigned i = 0; i < receive_count; ++i)
        receive_ring[i] = {address_of(receive_frames[i]), empty,
                           address_of(receive_ring[(i + 1) % receive_count])};
    to_send.size = empty;
    port(fifo_config) = 0x1f00;
    port(config1) = 5;  // send and receive
    receive_from(0);
    return true;
}

void poll_msf2_ethernet(netif& interface) {
    follow_cable(interface, (read_phy(1) & 4U) != 0);
    for (unsigned i = 0; i < receive_count && (receive_ring[current].size & empty) == 0; ++i) {
        const auto bytes = static_cast<u16_t>(receive_ring[current].size & 0x7ff);
        pbuf* const frame = pbuf_alloc(PBUF_RAW, bytes, PBUF_POOL);
        if (frame != nullptr)
            static_cast<void>(pbuf_take(frame, receive_frames[current].data(), bytes));
        receive_ring[current].size = empty;
        port(receive_status) = 1;
        current = (current + 1) % receive_count;
        if (frame != nullptr && interface.input(frame, &interface) != ERR_OK) pbuf_free(frame);
    }
    if ((port(receive_status) & overflow) == 0) return;
    port(receive_status) = overflow;
    receive_from(current);
}

}  // namespace longhaul::agent
