// What the device may believe about the date: its clock, unless that shows a date which it has
// already been; what the collector said, when nobody vouches for the clock. The last date known is
// kept in the spool and is the floor for the next boot.
//
// Only dates that somebody vouches for (a synchronized clock, the collector) raise the floor, so
// that a clock which once was years ahead does not make a right one unbelievable.
#pragma once

#include <optional>

#include "agent/core/spool.hpp"
#include "agent/port/clock.hpp"

namespace longhaul::agent {

// The collector's date, as it was at some moment between sending Hello and receiving Welcome.
struct ServerTime {
    WallUs time;
    MonotonicMs sent;
    MonotonicMs received;
};

class TimeKeeper final : public WallClock {
 public:
    static constexpr std::int64_t keep_again_us = 3'600'000'000;

    // Reads the floor from the spool; both outlive it.
    TimeKeeper(WallClock& clock, Spool& spool);

    // Reads the clock; what read() says holds for this moment.
    void at(MonotonicMs now);
    WallReading read() override { return reading_; }
    void on_server_time(const ServerTime& server);
    // Notes the last date known, at most once an hour, and at a stop.
    void keep(bool at_stop);

    // The last date known, from this boot or an earlier one.
    std::optional<WallUs> floor() const { return floor_; }
    // What the clock shows although that has already been; none: it is believed, or there is none.
    std::optional<WallUs> disbelieved() const { return disbelieved_; }

 private:
    // The collector's date at the moment 0 of the monotonic clock.
    struct FromCollector {
        std::int64_t offset_us = 0;
        std::uint64_t error_us = 0;
        MonotonicMs received;
    };
    WallReading by_collector(MonotonicMs now) const;

    WallClock& clock_;
    Spool& spool_;
    WallReading reading_;
    std::optional<FromCollector> collector_;
    std::optional<WallUs> floor_;
    std::optional<WallUs> kept_;  // as the spool has it
    std::optional<WallUs> disbelieved_;
};

}  // namespace longhaul::agent
