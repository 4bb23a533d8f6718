// What has to go when the spool is full. Pure decisions; the spool carries them out.
//
// Every class has a reserved share, which no other class can use. What is not reserved is used by
// whoever comes first, and a higher class takes it back from a lower one. Durable blocks are gone
// before anybody asks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "common/base/ids.hpp"

namespace longhaul::agent {

// What a class does that can take room from nobody else.
enum class WhenFull : std::uint8_t {
    drop_oldest,  // its oldest waiting block goes, listed as lost
    drop_newest,  // the new block goes, listed as lost
    stop,         // nothing goes: no more samples of the class are taken until there is room
};
const char* name_of(WhenFull when_full);

struct ClassPolicy {
    std::uint8_t reserve_percent = 0;  // of bytes_max; 100 together at most
    // Blocks of a class with another rule than drop_oldest are never dropped once they are stored.
    WhenFull when_full = WhenFull::drop_oldest;
};

struct SpoolPolicy {
    std::uint64_t bytes_max = 0;
    std::array<ClassPolicy, block_class_count> classes{{{10}, {10}, {10}, {0}}};

    std::uint64_t reserve(BlockClass block_class) const {
        return bytes_max / 100 * classes[static_cast<std::size_t>(block_class)].reserve_percent;
    }
};

// What the waiting blocks of a class take, and whether some of them may go.
struct ClassUse {
    std::uint64_t bytes = 0;
    bool droppable = false;  // it has waiting blocks that were not sent in this session
};
using SpoolUse = std::array<ClassUse, block_class_count>;

struct RoomDecision {
    enum class Kind : std::uint8_t {
        store,  // there is room
        drop,   // drop the oldest blocks of `from` that were not sent, then ask again
        drop_new,
        stop,
    };
    Kind kind = Kind::stop;
    BlockClass from = BlockClass::bulk;
    friend constexpr bool operator==(const RoomDecision&, const RoomDecision&) = default;
};

// What makes room for `bytes` more of `block_class`.
RoomDecision decide_room(const SpoolPolicy& policy, const SpoolUse& use, BlockClass block_class,
                         std::uint64_t bytes);

}  // namespace longhaul::agent
