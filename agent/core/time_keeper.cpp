#include "agent/core/time_keeper.hpp"

#include <array>

#include "agent/core/epoch_maker.hpp"

namespace longhaul::agent {
namespace {

constexpr std::size_t date_bytes = 8;
constexpr std::int64_t ms_per_us_of_drift = 10;  // 100 parts per million

}  // namespace

TimeKeeper::TimeKeeper(WallClock& clock, Spool& spool) : clock_{clock}, spool_{spool} {
    std::array<std::byte, date_bytes> room;
    const Result<Bytes> kept = spool_.read_state(state_last_date, room);
    if (!kept.ok() || kept.value().size() != date_bytes) return;
    ByteReader in{kept.value()};
    kept_ = floor_ = WallUs{in.i64()};
}

void TimeKeeper::at(MonotonicMs now) {
    reading_ = clock_.read();
    disbelieved_.reset();
    if (floor_ && reading_.now < *floor_) {
        if (reading_.now.value != 0) disbelieved_ = reading_.now;
        reading_.known = false;
    }
    if (collector_ && !(reading_.known && reading_.synchronized)) reading_ = by_collector(now);
    if (!reading_.known) reading_ = {};
    if (reading_.known && reading_.synchronized && (!floor_ || *floor_ < reading_.now))
        floor_ = reading_.now;
}

WallReading TimeKeeper::by_collector(MonotonicMs now) const {
    const std::int64_t drift_us = (now - collector_->received) / ms_per_us_of_drift + 1;
    return {true,
            true,
            {now.value * 1000 + collector_->offset_us},
            collector_->error_us + static_cast<std::uint64_t>(drift_us),
            true};
}

void TimeKeeper::on_server_time(const ServerTime& server) {
    const std::int64_t half_us = (server.received - server.sent) * 1000 / 2;
    collector_ = {server.time.value - server.sent.value * 1000 - half_us,
                  static_cast<std::uint64_t>(half_us) + 1000, server.received};
    // The collector knows better than a date that was noted wrongly once.
    const bool floor_is_wrong = floor_ && floor_->value - keep_again_us > server.time.value;
    if (!floor_ || *floor_ < server.time || floor_is_wrong) floor_ = server.time;
    at(server.received);
}

// A date that cannot be kept now is kept later; until then the floor is an older one.
void TimeKeeper::keep(bool at_stop) {
    if (!floor_ || floor_ == kept_) return;
    const std::int64_t since_us = kept_ ? floor_->value - kept_->value : keep_again_us;
    if (!at_stop && since_us >= 0 && since_us < keep_again_us) return;
    std::array<std::byte, date_bytes> room;
    ByteWriter out{room};
    out.i64(floor_->value);
    if (spool_.put_state(state_last_date, out.written()).ok()) kept_ = floor_;
}

}  // namespace longhaul::agent
