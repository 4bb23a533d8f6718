#include "agent/sources/trace_source.hpp"

#include <algorithm>

namespace longhaul::agent {

TraceSource::TraceSource(const TraceMapping& mapping, const DeviceTrace& trace, double speed)
    : streams_{StreamInfo{mapping.stream, &mapping.schema(), mapping.encoded_schema(),
                          mapping.schema().default_class}},
      trace_{trace},
      speed_{speed} {}

std::int64_t TraceSource::offset_ms() const {
    if (speed_ == 0) return 0;
    constexpr double ms_max = 1e15;  // of a speed that is next to none: for ever, but a number
    const auto recorded_us = static_cast<double>(trace_.times[index_] - trace_.times.front());
    return static_cast<std::int64_t>(std::clamp(recorded_us / 1000 / speed_, -ms_max, ms_max));
}

MonotonicMs TraceSource::next_at() const {
    if (index_ == trace_.times.size()) return MonotonicMs::never();
    return begun_ ? began_at_ + offset_ms() : MonotonicMs{};
}

const Sample* TraceSource::next(MonotonicMs now) {
    if (!begun_) {
        begun_ = true;
        began_at_ = now;
    }
    if (next_at() > now) return nullptr;
    const std::size_t fields = streams_[0].schema->fields.size();
    sample_ = {0, trace_.times[index_], std::span{trace_.values}.subspan(index_ * fields, fields)};
    ++index_;
    return &sample_;
}

}  // namespace longhaul::agent
