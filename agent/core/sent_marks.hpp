// Which blocks were sent in the session that is going on: their acknowledgement may be on its way,
// so they are not to be dropped.
#pragma once

#include <array>
#include <compare>

#include "common/base/ids.hpp"

namespace longhaul::agent {

// Where a block stands among those of its class: in the order in which they were made.
struct BlockPlace {
    Epoch epoch;
    std::uint32_t number = 0;
    friend constexpr auto operator<=>(const BlockPlace&, const BlockPlace&) = default;
};
constexpr BlockPlace place_of(const BlockName& name) { return {name.epoch, name.seq.number()}; }
inline constexpr BlockPlace last_place{{UINT32_MAX}, UINT32_MAX};

// A class is sent from two places: what waited when the session began, and what came since.
struct SentOfClass {
    BlockPlace backlog;  // up to here, and not beyond `live_after`
    BlockPlace live_after =
        last_place;   // the newest block of the backlog; last_place: all is backlog
    BlockPlace live;  // after live_after, up to here

    constexpr bool contains(const BlockPlace& place) const {
        return place <= live_after ? place <= backlog : place <= live;
    }
};

struct SentMarks {
    std::array<SentOfClass, block_class_count> classes{};

    constexpr bool contains(BlockClass block_class, const BlockPlace& place) const {
        return classes[static_cast<std::size_t>(block_class)].contains(place);
    }
};

// Outside a session.
inline constexpr SentMarks nothing_sent{};

}  // namespace longhaul::agent
