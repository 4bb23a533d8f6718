#include "collector/journal/connection_cost.hpp"

namespace longhaul::collector {
namespace {

constexpr std::uint8_t ended_flag = 1;

}  // namespace

void write_connection_cost(const ConnectionCost& cost, ByteWriter& out) {
    out.varint(cost.connected_ms);
    out.varint(cost.wire.received);
    out.varint(cost.wire.sent);
    out.u8(cost.ended ? ended_flag : 0);
}

Result<ConnectionCost> parse_connection_cost(Bytes body) {
    ByteReader in{body};
    ConnectionCost cost{in.varint(), {in.varint(), in.varint()}, false};
    const std::uint8_t flags = in.u8();
    if (!in.at_end() || (flags & ~ended_flag) != 0)
        return Error{ErrorCode::malformed, "what a connection has cost"};
    cost.ended = flags != 0;
    return cost;
}

}  // namespace longhaul::collector
