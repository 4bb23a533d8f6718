// A stream of a simulated device, and the truth about it: what was measured when, and what the
// agent said became of it.
#pragma once

#include <cstdint>
#include <deque>

#include "agent/port/source.hpp"
#include "firmware-sim/world/stream_plan.hpp"

namespace longhaul::sim {

// A device's own clock: milliseconds since it booted, by a crystal that is a little off.
struct DeviceClock {
    MonotonicMs booted_at;  // of the world
    std::int64_t ppm = 0;

    MonotonicMs of_world(MonotonicMs world) const;
    // The first moment of the world at which the device's clock shows this.
    MonotonicMs to_world(MonotonicMs device) const;
};

enum class Fate : std::uint8_t {
    given,    // the agent has it in memory
    stored,   // it said so
    dropped,  // it said so
    refused,
    cut,  // power failed, or the program ended, before it said anything
};

struct Given {
    std::int64_t time_us = 0;  // UTC, exact
    std::uint32_t boot = 0;
    Fate fate = Fate::given;
};
using Truth = std::deque<Given>;  // grows without a copy that is as large again

class WorldSource final : public agent::Source {
 public:
    // Everything outlives the source. It begins at some moment of its first gap; `first` is the
    // number of its first sample.
    WorldSource(const StreamPlan& plan, std::uint32_t device, std::int64_t first,
                const DeviceClock& clock, std::int64_t start_wall_us, Random random);

    // Power is back; what nobody spoke for is lost unless it turns up.
    void on_boot(MonotonicMs world, std::uint32_t boot);
    void at(MonotonicMs world) { world_ = world; }
    // It measures nothing more.
    void end() { ended_ = true; }

    const StreamPlan& plan() const { return plan_; }
    std::uint32_t device() const { return device_; }
    const Truth& truth() const { return truth_; }
    std::int64_t first() const { return first_; }

    std::span<const agent::StreamInfo> streams() const override { return {&info_, 1}; }
    const Sample* next(MonotonicMs now) override;
    MonotonicMs next_at() const override;
    void stored(std::uint8_t stream, std::uint32_t samples) override;
    void lost(std::uint8_t stream, std::uint32_t samples) override;
    void refused(std::uint8_t stream) override;

 private:
    void settle(std::uint32_t samples, Fate fate);

    const StreamPlan& plan_;
    std::uint32_t device_;
    std::int64_t first_;
    const DeviceClock& clock_;
    std::int64_t start_wall_us_;
    agent::StreamInfo info_;
    MonotonicMs world_;
    MonotonicMs due_;
    std::uint32_t boot_ = 0;
    bool ended_ = false;
    Truth truth_;
    std::size_t settled_ = 0;  // of them, the first ones
    SampleValues values_;
    Sample sample_;
};

}  // namespace longhaul::sim
