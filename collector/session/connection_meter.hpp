// How long a session has gone on and what went over the wire for it, told in parts. No clock and no
// socket: time and counts are arguments.
#pragma once

#include <algorithm>
#include <optional>

#include "collector/journal/connection_cost.hpp"
#include "common/base/time.hpp"

namespace longhaul::collector {

class ConnectionMeter {
 public:
    ConnectionMeter(MonotonicMs begin, std::int64_t interval_ms)
        : told_at_{begin}, interval_ms_{interval_ms} {}

    MonotonicMs due() const { return ended_ ? MonotonicMs::never() : told_at_ + interval_ms_; }
    // What has come since the last answer, when that is due or the session `ended`; nothing behind
    // its end. `wire`: of the connection since its socket was opened.
    std::optional<ConnectionCost> take(MonotonicMs now, const WireBytes& wire, bool ended) {
        if (ended_ || (!ended && now < due())) return std::nullopt;
        const std::int64_t connected_ms = std::max<std::int64_t>(0, now - told_at_);
        const ConnectionCost cost{static_cast<std::uint64_t>(connected_ms),
                                  {wire.received - told_.received, wire.sent - told_.sent},
                                  ended};
        told_at_ = now;
        told_ = wire;
        ended_ = ended;
        return cost;
    }

 private:
    MonotonicMs told_at_;
    std::int64_t interval_ms_;
    WireBytes told_;
    bool ended_ = false;
};

}  // namespace longhaul::collector
