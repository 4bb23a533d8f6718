#include "firmware-sim/world/world_source.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::sim {
namespace {

constexpr std::int64_t million = 1'000'000;

}  // namespace

MonotonicMs DeviceClock::of_world(MonotonicMs world) const {
    const std::int64_t ms = world - booted_at;
    return {ms + ms * ppm / million};
}

MonotonicMs DeviceClock::to_world(MonotonicMs device) const {
    if (device == MonotonicMs::never() || device == agent::until_woken) return MonotonicMs::never();
    const std::int64_t near = device.value - device.value * ppm / million;
    MonotonicMs world = booted_at + std::max<std::int64_t>(0, near - 2);
    while (of_world(world) < device) world = world + 1;
    return world;
}

WorldSource::WorldSource(const StreamPlan& plan, std::uint32_t device, std::int64_t first,
                         const DeviceClock& clock, std::int64_t start_wall_us, Random random)
    : plan_{plan},
      device_{device},
      first_{first},
      clock_{clock},
      start_wall_us_{start_wall_us},
      info_{plan.name(), &plan.schema(), plan.encoded_schema(), plan.schema().default_class},
      due_{random.between(0, plan.gap_ms(device, 0))} {}

void WorldSource::on_boot(MonotonicMs world, std::uint32_t boot) {
    for (; settled_ < truth_.size(); ++settled_) {
        if (truth_[settled_].fate == Fate::given) truth_[settled_].fate = Fate::cut;
    }
    boot_ = boot;
    due_ = std::max(due_, world);
}

MonotonicMs WorldSource::next_at() const {
    return ended_ ? MonotonicMs::never() : clock_.of_world(due_);
}

// Whoever could not ask in time has missed what would have been measured meanwhile.
const Sample* WorldSource::next(MonotonicMs now) {
    if (ended_ || now < next_at()) return nullptr;
    const std::int64_t n = first_ + static_cast<std::int64_t>(truth_.size());
    plan_.make(device_, n, values_);
    const std::int64_t time_us = start_wall_us_ + world_.value * 1000;
    sample_ = {0, plan_.has_source_time() ? time_us : now.value * 1000, values_.values};
    truth_.push_back({time_us, boot_, Fate::given});
    due_ = std::max(due_ + plan_.gap_ms(device_, n), world_);
    return &sample_;
}

void WorldSource::settle(std::uint32_t samples, Fate fate) {
    while (samples != 0) {
        LH_CHECK(settled_ < truth_.size());
        Given& given = truth_[settled_++];
        if (given.fate == Fate::refused) continue;  // it is not counted
        given.fate = fate;
        --samples;
    }
}

void WorldSource::stored(std::uint8_t, std::uint32_t samples) { settle(samples, Fate::stored); }
void WorldSource::lost(std::uint8_t, std::uint32_t samples) { settle(samples, Fate::dropped); }

// It is the newest one, but others before it may not be settled yet.
void WorldSource::refused(std::uint8_t) { truth_.back().fate = Fate::refused; }

}  // namespace longhaul::sim
