// Instruments on a serial line that speak NMEA 0183: the fixes of a satellite receiver are one
// stream, the readings of transducers another.
#pragma once

#include <array>

#include "agent/port/source.hpp"
#include "agent/sources/gnss_fix.hpp"
#include "agent/sources/xdr_readings.hpp"

namespace longhaul::agent {

class NmeaReceiver final : public Source {
 public:
    // The last fix is complete when the receiver pauses this long.
    static constexpr std::int64_t pause_ms = 300;
    static constexpr std::size_t schema_bytes_max = 768, stream_count = 2;

    NmeaReceiver();
    NmeaReceiver(const NmeaReceiver&) = delete;
    NmeaReceiver& operator=(const NmeaReceiver&) = delete;

    std::span<const StreamInfo> streams() const override { return streams_; }
    const Sample* next(MonotonicMs now) override;
    MonotonicMs next_at() const override;

 private:
    const Sample* take_line(std::string_view line, MonotonicMs now);
    const Sample* give(const GnssFix* fix);
    const Sample* give_reading();

    std::array<std::byte, schema_bytes_max + 256> encoded_;
    std::array<StreamInfo, stream_count> streams_;
    std::array<char, nmea_line_bytes_max + 2> line_;
    std::size_t line_bytes_ = 0;
    GnssFixes fixes_;
    XdrReadings readings_;
    MonotonicMs last_byte_at_;
    Sample sample_;
};

}  // namespace longhaul::agent
