// A TCP connection as a link. Nothing blocks, except that a name instead of an address is looked up
// by the system's resolver when the link opens.
#pragma once

#include <cstdint>
#include <string>

#include "agent/port/link.hpp"

namespace longhaul::agent {

class TcpLink final : public Link {
 public:
    // "host:port", "[v6]:port".
    explicit TcpLink(std::string address) : address_{std::move(address)} {}
    ~TcpLink() { close(); }
    TcpLink(const TcpLink&) = delete;
    TcpLink& operator=(const TcpLink&) = delete;

    Status open(MonotonicMs now) override;
    LinkState poll(MonotonicMs now) override;
    Result<std::size_t> write(Bytes bytes) override;
    Result<std::size_t> read(MutableBytes room) override;
    void close() override;
    const char* last_error() const override { return error_; }

    // For poll(2): -1 when closed, and whether it should wait until the socket is writable as well.
    int descriptor() const { return socket_; }
    bool wants_write() const { return state_ == LinkState::opening || write_blocked_; }
    // Both directions, since the link was made.
    std::uint64_t wire_bytes() const { return wire_bytes_; }

    static bool valid_address(const std::string& address);

 private:
    Error fail(int number);

    std::string address_;
    std::size_t attempts_ = 0;
    int socket_ = -1;
    LinkState state_ = LinkState::closed;
    bool write_blocked_ = false;
    std::uint64_t wire_bytes_ = 0;
    const char* error_ = "";
};

}  // namespace longhaul::agent
