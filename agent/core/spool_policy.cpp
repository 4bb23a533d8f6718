#include "agent/core/spool_policy.hpp"

#include <algorithm>

namespace longhaul::agent {
namespace {

// What the class may use while the others keep what they have and what is reserved for them.
std::uint64_t room_of(const SpoolPolicy& policy, const SpoolUse& use, std::size_t block_class) {
    std::uint64_t others = 0;
    for (std::size_t i = 0; i < block_class_count; ++i) {
        if (i == block_class) continue;
        others += std::max(use[i].bytes, policy.reserve(static_cast<BlockClass>(i)));
    }
    return policy.bytes_max - std::min(others, policy.bytes_max);
}

bool may_drop(const SpoolPolicy& policy, const SpoolUse& use, std::size_t block_class) {
    return policy.classes[block_class].when_full == WhenFull::drop_oldest &&
           use[block_class].droppable;
}

}  // namespace

const char* name_of(WhenFull when_full) {
    switch (when_full) {
        case WhenFull::drop_oldest:
            return "drop_oldest";
        case WhenFull::drop_newest:
            return "drop_newest";
        case WhenFull::stop:
            return "stop";
    }
    return "unknown";
}

RoomDecision decide_room(const SpoolPolicy& policy, const SpoolUse& use, BlockClass block_class,
                         std::uint64_t bytes) {
    using Kind = RoomDecision::Kind;
    const auto own = static_cast<std::size_t>(block_class);
    if (use[own].bytes + bytes <= room_of(policy, use, own)) return {Kind::store, block_class};
    for (std::size_t other = block_class_count - 1; other > own; --other) {
        const auto lower = static_cast<BlockClass>(other);
        const bool borrows = use[other].bytes > policy.reserve(lower);
        if (borrows && may_drop(policy, use, other)) return {Kind::drop, lower};
    }
    if (may_drop(policy, use, own)) return {Kind::drop, block_class};
    // A class whose blocks are all on their way waits for their acknowledgement.
    const bool drops_new = policy.classes[own].when_full == WhenFull::drop_newest;
    return {drops_new ? Kind::drop_new : Kind::stop, block_class};
}

}  // namespace longhaul::agent
