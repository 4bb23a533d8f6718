// A satellite receiver on a serial line, as the stream of its fixes.
#pragma once

#include <array>

#include "agent/port/source.hpp"
#include "agent/sources/gnss_fix.hpp"

namespace longhaul::agent {

class NmeaReceiver final : public Source {
 public:
    // The last fix is complete when the receiver pauses this long.
    static constexpr std::int64_t pause_ms = 300;
    static constexpr std::size_t schema_bytes_max = 768;

    NmeaReceiver();
    NmeaReceiver(const NmeaReceiver&) = delete;
    NmeaReceiver& operator=(const NmeaReceiver&) = delete;

    std::span<const StreamInfo> streams() const override { return streams_; }
    const Sample* next(MonotonicMs now) override;
    MonotonicMs next_at() const override;

 private:
    const Sample* give(const GnssFix* fix);

    std::array<std::byte, schema_bytes_max> encoded_;
    std::array<StreamInfo, 1> streams_;
    std::array<char, nmea_line_bytes_max + 2> line_;
    std::size_t line_bytes_ = 0;
    GnssFixes fixes_;
    MonotonicMs last_byte_at_;
    Sample sample_;
};

}  // namespace longhaul::agent
