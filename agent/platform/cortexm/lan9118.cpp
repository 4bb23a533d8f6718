#include "agent/platform/cortexm/lan9118.hpp"

#include <lwip/etharp.h>
#include <lwip/pbuf.h>
#include <netif/ethernet.h>

#include <algorithm>
#include <cstring>

#include "agent/platform/cortexm/interface_setup.hpp"

namespace longhaul::agent {
namespace {

enum Register : std::uint32_t {
    rx_data = 0x00,
    tx_data = 0x20,
    rx_status = 0x40,
    tx_status = 0x48,
    id_revision = 0x50,
    irq_config = 0x54,
    int_status = 0x58,
    int_enable = 0x5c,
    byte_test = 0x64,
    fifo_int = 0x68,
    rx_config = 0x6c,
    tx_config = 0x70,
    hw_config = 0x74,
    rx_fifo_info = 0x7c,
    tx_fifo_info = 0x80,
    free_run = 0x9c,
    mac_command = 0xa4,
    mac_data = 0xa8,
    afc_config = 0xac,
};
constexpr std::uint32_t mac_control = 1, mac_high = 2, mac_low = 3, mii_access = 6, mii_data = 7;
constexpr std::uint32_t busy = 0x8000'0000, reading = 0x4000'0000;
constexpr unsigned tries_max = 100'000;  // of what the controller does at once

class Port {
 public:
    explicit Port(std::uint32_t address) : address_{address} {}

    volatile std::uint32_t& operator[](std::uint32_t offset) const {
        return *reinterpret_cast<volatile std::uint32_t*>(address_ + offset);
    }
    std::uint32_t read(std::uint32_t offset) const { return (*this)[offset]; }
    void drop(std::uint32_t offset, std::uint32_t words) const {
        while (words-- != 0) static_cast<void>(read(offset));
    }
    void settle(std::uint32_t offset, std::uint32_t bits) const {
        for (unsigned i = 0; i < tries_max && (read(offset) & bits) != 0; ++i) {
        }
    }
    void write_mac(std::uint32_t index, std::uint32_t value) const {
        settle(mac_command, busy);
        (*this)[mac_data] = value;
        (*this)[mac_command] = busy | index;
        settle(mac_command, busy);
    }
    std::uint32_t read_mac(std::uint32_t index) const {
        settle(mac_command, busy);
        (*this)[mac_command] = busy | reading | index;
        settle(mac_command, busy);
        return read(mac_data);
    }
    std::uint32_t read_phy(std::uint32_t index) const {
        write_mac(mii_access, 1U << 11 | index << 6 | 1U);
        for (unsigned i = 0; i < tries_max && (read_mac(mii_access) & 1U) != 0; ++i) {
        }
        return read_mac(mii_data) & 0xffff;
    }
    void write_phy(std::uint32_t index, std::uint32_t value) const {
        write_mac(mii_data, value);
        write_mac(mii_access, 1U << 11 | index << 6 | 3U);
        for (unsigned i = 0; i < tries_max && (read_mac(mii_access) & 1U) != 0; ++i) {
        }
    }

 private:
    std::uint32_t address_;
};

Port port_of(netif& interface) {
    return Port{static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(interface.state))};
}

// The controller takes words; pieces of a frame may have any length.
err_t send(netif* interface, pbuf* frame) {
    const Port port = port_of(*interface);
    const std::uint32_t bytes = frame->tot_len;
    if ((port.read(tx_fifo_info) & 0xffff) < bytes + 16) return ERR_MEM;
    port[tx_data] = 0x3000U | bytes;  // first and last piece
    port[tx_data] = bytes << 16 | bytes;
    std::uint32_t word = 0;
    unsigned have = 0;
    for (const pbuf* piece = frame; piece != nullptr; piece = piece->next) {
        const auto* const from = static_cast<const std::uint8_t*>(piece->payload);
        for (unsigned i = 0; i < piece->len; ++i) {
            word |= std::uint32_t{from[i]} << 8 * have;
            if (++have < 4) continue;
            port[tx_data] = word;
            word = have = 0;
        }
    }
    if (have != 0) port[tx_data] = word;
    while ((port.read(tx_fifo_info) >> 16) != 0) port.drop(tx_status, 1);
    return ERR_OK;
}

void take_frame(const Port& port, netif& interface) {
    constexpr std::uint32_t bytes_min = 18, bytes_max = 1522, sum_bytes = 4;
    const std::uint32_t status = port.read(rx_status);
    const std::uint32_t bytes = status >> 16 & 0x3fff;
    const std::uint32_t words = (bytes + 3) / 4;
    const bool bad = (status & 0x8000) != 0 || bytes < bytes_min || bytes > bytes_max;
    pbuf* const frame =
        bad ? nullptr : pbuf_alloc(PBUF_RAW, static_cast<u16_t>(bytes - sum_bytes), PBUF_POOL);
    if (frame == nullptr) return port.drop(rx_data, words);
    std::uint32_t left = bytes - sum_bytes;
    for (std::uint32_t i = 0; i < words; ++i) {
        const std::uint32_t word = port.read(rx_data);
        const auto count = static_cast<u16_t>(std::min<std::uint32_t>(left, 4));
        if (count != 0)
            static_cast<void>(pbuf_take_at(frame, &word, count, static_cast<u16_t>(4 * i)));
        left -= count;
    }
    if (interface.input(frame, &interface) != ERR_OK) pbuf_free(frame);
}

}  // namespace

bool Lan9118::begin(netif& interface) {
    const Port port{address_};
    if (port.read(byte_test) != 0x8765'4321 || port.read(id_revision) >> 16 != 0x0118) return false;
    port[hw_config] = 1;
    port.settle(hw_config, 1);
    port[hw_config] = 0x0005'0000;
    port[afc_config] = 0x006e'3740;
    port[irq_config] = 0x111;
    port[int_enable] = 0;
    port[int_status] = 0xffff'ffff;
    port[fifo_int] = 0;
    port[rx_config] = 0;
    port.write_phy(0, 0x1200);
    set_up_interface(interface, send);
    interface.state = reinterpret_cast<void*>(std::uintptr_t{address_});
    const std::uint8_t* const mac = interface.hwaddr;
    port.write_mac(mac_high, mac[4] | std::uint32_t{mac[5]} << 8);
    port.write_mac(mac_low, mac[0] | std::uint32_t{mac[1]} << 8 | std::uint32_t{mac[2]} << 16 |
                                std::uint32_t{mac[3]} << 24);
    port.write_mac(mac_control, 1U << 20 | 8U | 4U);  // full duplex, send, receive
    port[tx_config] = 2;
    return true;
}

void Lan9118::poll(netif& interface) {
    const Port port{address_};
    follow_cable(interface, (port.read_phy(1) & 4U) != 0);
    constexpr unsigned frames_max = 16;
    for (unsigned i = 0; i < frames_max && (port.read(rx_fifo_info) >> 16 & 0xff) != 0; ++i)
        take_frame(port, interface);
}

std::uint32_t Lan9118::counter() const { return Port{address_}.read(free_run); }

}  // namespace longhaul::agent
