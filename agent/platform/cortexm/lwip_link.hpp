// TCP by lwIP, and the network under it: one interface, its address by DHCP.
#pragma once

#include <array>
#include <cstdint>

#include "agent/port/link.hpp"

struct tcp_pcb;  // NOLINT(readability-identifier-naming): lwIP's names
struct pbuf;     // NOLINT(readability-identifier-naming)

namespace longhaul::agent {

// Once, before any link. false: there is no Ethernet controller.
bool begin_network();
// What lwIP has to do: frames, timers. Every few milliseconds.
void poll_network();
bool has_address();

class LwipLink final : public Link {
 public:
    LwipLink(const std::array<std::uint8_t, 4>& address, std::uint16_t port)
        : address_{address}, port_{port} {}
    ~LwipLink() { close(); }
    LwipLink(const LwipLink&) = delete;
    LwipLink& operator=(const LwipLink&) = delete;

    Status open(MonotonicMs now) override;
    LinkState poll(MonotonicMs now) override;
    Result<std::size_t> write(Bytes bytes) override;
    Result<std::size_t> read(MutableBytes room) override;
    void close() override;
    const char* last_error() const override { return error_; }

    // Something has happened since it was asked: the agent has to be polled.
    bool take_stirred() { return std::exchange(stirred_, false); }

 private:
    struct Callbacks;
    friend struct Callbacks;

    std::array<std::uint8_t, 4> address_;
    std::uint16_t port_;
    tcp_pcb* connection_ = nullptr;
    pbuf* received_ = nullptr;
    std::size_t taken_ = 0;  // of the first piece of received_
    LinkState state_ = LinkState::closed;
    bool ended_ = false;  // the other side has closed
    bool stirred_ = false;
    const char* error_ = "";
};

}  // namespace longhaul::agent
