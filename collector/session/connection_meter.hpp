// How long a session has gone on and what went over the wire for it, told in parts. No clock and no
// socket: time and counts are arguments. Small, for a collector has one for each device that waits.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "collector/journal/connection_cost.hpp"
#include "common/base/time.hpp"

namespace longhaul::collector {

class ConnectionMeter {
 public:
    explicit ConnectionMeter(MonotonicMs begin) : told_at_{begin} {}

    MonotonicMs due(std::int64_t interval_ms) const {
        return has_ended() ? MonotonicMs::never() : told_at_ + interval_ms;
    }
    // What has come since the last answer, when that is due or the session `ended`; nothing behind
    // its end. `wire` is what went through the socket since then; an answer takes it and leaves 0.
    std::optional<ConnectionCost> take(MonotonicMs now, std::int64_t interval_ms, WireBytes& wire,
                                       bool ended) {
        if (has_ended() || (!ended && now < due(interval_ms))) return std::nullopt;
        const std::int64_t connected_ms = std::max<std::int64_t>(0, now - told_at_);
        told_at_ = ended ? MonotonicMs::never() : now;
        return ConnectionCost{static_cast<std::uint64_t>(connected_ms),
                              std::exchange(wire, WireBytes{}), ended};
    }

 private:
    bool has_ended() const { return told_at_ == MonotonicMs::never(); }

    MonotonicMs told_at_;  // never: the session has ended
};

}  // namespace longhaul::collector
