// What a device of `longhaul-sim fleet` measures: a sample at every gap from its first one on. What
// nobody asks for in time waits, as in the memory of a logger.
#pragma once

#include "agent/port/source.hpp"
#include "firmware-sim/world/stream_plan.hpp"

namespace longhaul::sim {

class FleetSource final : public agent::Source {
 public:
    // The plan has source time and gaps that are all the same, and outlives the source; `device` is
    // its number in the fleet. It gives `samples` and has ended.
    FleetSource(const StreamPlan& plan, std::uint32_t device, std::int64_t samples);

    // The moment of the first sample, on two clocks. Comes before everything else.
    void begin(MonotonicMs at, WallUs wall);
    // From here to the next call it has ended when it has given what is due at `now`.
    void end_batch_at(MonotonicMs now);

    MonotonicMs due_at(std::int64_t sample) const { return begin_ + sample * gap_ms_; }
    WallUs time_of(std::int64_t sample) const {
        return {begin_wall_.value + sample * gap_ms_ * 1000};
    }
    std::int64_t given() const { return given_; }
    std::int64_t stored_count() const { return stored_; }
    std::int64_t lost_count() const { return lost_; }

    std::span<const agent::StreamInfo> streams() const override { return {&info_, 1}; }
    const Sample* next(MonotonicMs now) override;
    MonotonicMs next_at() const override;
    void stored(std::uint8_t, std::uint32_t samples) override { stored_ += samples; }
    void lost(std::uint8_t, std::uint32_t samples) override { lost_ += samples; }
    void refused(std::uint8_t) override { ++lost_; }

 private:
    const StreamPlan& plan_;
    std::uint32_t device_;
    std::int64_t samples_;
    std::int64_t end_;  // of this batch
    std::int64_t gap_ms_;
    agent::StreamInfo info_;
    MonotonicMs begin_ = MonotonicMs::never();
    WallUs begin_wall_;
    std::int64_t given_ = 0;
    std::int64_t stored_ = 0;
    std::int64_t lost_ = 0;
    SampleValues values_;
    Sample sample_;
};

}  // namespace longhaul::sim
