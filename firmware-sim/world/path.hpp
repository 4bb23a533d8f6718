// The way between one device and the collector: when bytes that are sent now will have arrived.
//
// Below agent::Link lies a reliable stream, so loss, duplication and reordering of packets show as
// what they cost such a stream: time (a lost packet is sent again after a timeout that doubles, and
// what came behind it waits) and bytes. What is cut off is not lost: it waits for the end of the
// outage, or for one side to give up.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "firmware-sim/world/random.hpp"

namespace longhaul::sim {

// A recorded second of a link.
struct LinkSecond {
    std::uint32_t delay_ms = 0;  // one way
    std::uint32_t kbit_s = 0;    // 0: nothing gets through
};
using LinkRecording = std::vector<LinkSecond>;
// Lines "delay_ms,kbit_s" behind a head of these names, one a second.
Result<LinkRecording, Message> parse_link_recording(std::string_view text, const std::string& name);

struct LinkSettings {
    std::shared_ptr<const LinkRecording> recording;  // nullptr: delay_ms and kbit_s all the time
    std::int64_t delay_ms = 20;
    std::int64_t jitter_ms = 0;
    std::int64_t kbit_s = 10'000;
    std::uint64_t loss_permille = 0;  // of packets
    std::uint64_t duplicate_permille = 0;
    std::uint64_t day_bytes_max = 0;     // both ways, packets' headers included; 0: no bound
    std::int64_t outage_every_s = 0;     // on average; 0: none of chance
    std::int64_t outage_s = 60;          // on average
    std::int64_t half_open_every_s = 0;  // a connection dies and nobody is told
};

struct TimeSpan {
    MonotonicMs from;
    MonotonicMs to;
};

// What a path did to what was sent.
struct PathCounts {
    std::uint64_t lost_packets = 0;  // and sent again
    std::uint64_t duplicated_packets = 0;
    std::uint64_t held_behind = 0;   // would have been there before what was sent earlier
    std::uint64_t outage_waits = 0;  // sent while nothing got through
    std::uint64_t budget_waits = 0;  // sent when the day's bytes were used up
};

class Path {
 public:
    enum class Way : std::uint8_t { up, down };

    // `outages` are those of the scenario, by their beginning; from `healed_at` on nothing is
    // wrong with any link.
    Path(const LinkSettings& settings, std::vector<TimeSpan> outages, MonotonicMs healed_at,
         Random random);

    // When these bytes are at the other end; they go behind those that were sent before.
    MonotonicMs carry(Way way, std::size_t bytes, MonotonicMs now);
    bool is_out(MonotonicMs now) const { return second_at(now).kbit_s == 0; }
    std::uint64_t bytes_carried() const { return bytes_carried_; }
    const PathCounts& counts() const { return counts_; }

 private:
    LinkSecond second_at(MonotonicMs time) const;
    MonotonicMs end_of_outage(MonotonicMs time) const;
    MonotonicMs send(std::int64_t bits, MonotonicMs from) const;
    MonotonicMs within_budget(std::size_t bytes, MonotonicMs from);
    std::int64_t cost_of_packets(std::size_t count, std::size_t& bytes);

    LinkSettings settings_;
    std::vector<TimeSpan> outages_;
    MonotonicMs healed_at_;
    Random random_;
    std::size_t phase_ = 0;  // in the recording
    std::array<MonotonicMs, 2> busy_until_;
    std::array<MonotonicMs, 2> arrived_;
    std::int64_t day_ = 0;
    std::uint64_t day_bytes_ = 0;
    std::uint64_t bytes_carried_ = 0;
    PathCounts counts_;
};

}  // namespace longhaul::sim
