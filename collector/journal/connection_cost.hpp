// What a session has cost since that was last told: the body of a journal's entry. Specification:
// docs/spec/journal.md, "Connection".
//
//   varint   connected_ms
//   varint   bytes received
//   varint   bytes sent
//   u8       flags: 1 the session has ended, 2 the device said what it has to send
//   varint   only with 2: blocks
#pragma once

#include <optional>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace longhaul::collector {

// What went through a connection's socket, with all that TLS adds.
struct WireBytes {
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    friend bool operator==(const WireBytes&, const WireBytes&) = default;
};

struct ConnectionCost {
    std::uint64_t connected_ms = 0;
    WireBytes wire;
    bool ended = false;
    // Blocks that waited in the device when the session began; nothing: told before, or not said.
    std::optional<std::uint32_t> backlog{};
    friend bool operator==(const ConnectionCost&, const ConnectionCost&) = default;
};

inline constexpr std::size_t connection_cost_bytes_max = 4 * varint_bytes_max + 1;
void write_connection_cost(const ConnectionCost& cost, ByteWriter& out);
// malformed: nothing that the other one writes.
Result<ConnectionCost> parse_connection_cost(Bytes body);

}  // namespace longhaul::collector
