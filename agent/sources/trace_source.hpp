// A recording as a source: gives one device's samples again, as recorded or faster.
#pragma once

#include <array>

#include "agent/port/source.hpp"
#include "agent/sources/trace_file.hpp"

namespace longhaul::agent {

class TraceSource final : public Source {
 public:
    // `speed` 1: as recorded; 2: twice as fast; 0: as fast as it is asked, and so is a recording
    // without times. `loop`: begins again at its end, with the times as recorded. A sample of a
    // schema with device time has the time at which it is given. Mapping and trace outlive it.
    TraceSource(const TraceMapping& mapping, const DeviceTrace& trace, double speed, bool loop);

    std::span<const StreamInfo> streams() const override { return streams_; }
    const Sample* next(MonotonicMs now) override;
    MonotonicMs next_at() const override;

 private:
    // After the first sample of this round, in time of the recording; a step back is due at once.
    std::int64_t offset_ms() const;
    std::int64_t at_speed(double recorded_us) const;
    void begin_again();

    std::array<StreamInfo, 1> streams_;
    const DeviceTrace& trace_;
    double speed_;
    bool loop_;
    std::size_t index_ = 0;
    bool begun_ = false;
    MonotonicMs began_at_;
    Sample sample_;
};

}  // namespace longhaul::agent
