#include "collector/journal/connection_cost.hpp"

namespace longhaul::collector {
namespace {

constexpr std::uint8_t ended_flag = 1;
constexpr std::uint8_t backlog_flag = 2;

}  // namespace

void write_connection_cost(const ConnectionCost& cost, ByteWriter& out) {
    out.varint(cost.connected_ms);
    out.varint(cost.wire.received);
    out.varint(cost.wire.sent);
    const int flags = (cost.ended ? ended_flag : 0) | (cost.backlog ? backlog_flag : 0);
    out.u8(static_cast<std::uint8_t>(flags));
    if (cost.backlog) out.varint(*cost.backlog);
}

Result<ConnectionCost> parse_connection_cost(Bytes body) {
    ByteReader in{body};
    const Error malformed{ErrorCode::malformed, "what a connection has cost"};
    ConnectionCost cost{in.varint(), {in.varint(), in.varint()}, false};
    const std::uint8_t flags = in.u8();
    cost.ended = (flags & ended_flag) != 0;
    if ((flags & backlog_flag) != 0) {
        const std::uint64_t blocks = in.varint();
        if (blocks > UINT32_MAX) return malformed;
        cost.backlog = static_cast<std::uint32_t>(blocks);
    }
    if (!in.at_end() || (flags & ~(ended_flag | backlog_flag)) != 0) return malformed;
    return cost;
}

}  // namespace longhaul::collector
