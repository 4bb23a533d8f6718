// Port: a byte stream to the collector. TCP, TLS over another link, a modem, a simulated network.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::agent {

enum class LinkState : std::uint8_t { closed, opening, open };

// The core relies on: no call blocks; bytes arrive in order, unchanged, once, or the link closes.
class Link {
 public:
    // Begins to open; allowed when closed. An error here counts like a link that closed at once.
    virtual Status open(MonotonicMs now) = 0;
    // Does what work there is (connecting, handshake) and says where the link stands.
    virtual LinkState poll(MonotonicMs now) = 0;
    // How many bytes were taken, possibly 0; an error when the link has closed.
    virtual Result<std::size_t> write(Bytes bytes) = 0;
    // How many bytes were put into `room`, possibly 0; an error when the link has closed.
    virtual Result<std::size_t> read(MutableBytes room) = 0;
    // Idempotent.
    virtual void close() = 0;
    // Why the link closed last, for the log: "connection refused", "certificate not trusted".
    virtual const char* last_error() const = 0;

 protected:
    ~Link() = default;
};

}  // namespace longhaul::agent
