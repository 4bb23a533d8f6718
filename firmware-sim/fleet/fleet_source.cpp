#include "firmware-sim/fleet/fleet_source.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::sim {

FleetSource::FleetSource(const StreamPlan& plan, std::uint32_t device, std::int64_t samples)
    : plan_{plan},
      device_{device},
      samples_{samples},
      end_{samples},
      gap_ms_{plan.gap_ms(device, 0)},
      info_{plan.name(), &plan.schema(), plan.encoded_schema(), plan.schema().default_class} {
    LH_CHECK(plan.has_source_time());
}

void FleetSource::begin(MonotonicMs at, WallUs wall) {
    begin_ = at;
    begin_wall_ = wall;
}

void FleetSource::end_batch_at(MonotonicMs now) {
    const std::int64_t due = now < begin_ ? 0 : (now - begin_) / gap_ms_ + 1;
    end_ = std::clamp(due, given_, samples_);
}

MonotonicMs FleetSource::next_at() const {
    return given_ == end_ ? MonotonicMs::never() : due_at(given_);
}

const Sample* FleetSource::next(MonotonicMs now) {
    if (now < next_at()) return nullptr;
    plan_.make(device_, given_, values_);
    sample_ = {0, time_of(given_).value, values_.values};
    ++given_;
    return &sample_;
}

}  // namespace longhaul::sim
