#include "agent/sources/trace_source.hpp"

#include <algorithm>

namespace longhaul::agent {

TraceSource::TraceSource(const TraceMapping& mapping, const DeviceTrace& trace, double speed,
                         bool loop)
    : streams_{StreamInfo{mapping.stream, &mapping.schema(), mapping.encoded_schema(),
                          mapping.schema().default_class}},
      trace_{trace},
      speed_{speed},
      loop_{loop} {}

std::int64_t TraceSource::at_speed(double recorded_us) const {
    if (speed_ == 0) return 0;
    constexpr double ms_max = 1e15;  // of a speed that is next to none: for ever, but a number
    return static_cast<std::int64_t>(std::clamp(recorded_us / 1000 / speed_, -ms_max, ms_max));
}

std::int64_t TraceSource::offset_ms() const {
    return at_speed(static_cast<double>(trace_.times[index_] - trace_.times.front()));
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
    const Schema& schema = *streams_[0].schema;
    const std::size_t fields = schema.fields.size();
    const bool device_time = schema.time == TimeKind::device;
    sample_ = {0, device_time ? now.value * 1000 : trace_.times[index_],
               std::span{trace_.values}.subspan(index_ * fields, fields)};
    ++index_;
    if (index_ == trace_.times.size() && loop_) begin_again();
    return &sample_;
}

// A mean distance behind the last sample comes the first one again.
void TraceSource::begin_again() {
    const auto span_us = static_cast<double>(trace_.times.back() - trace_.times.front());
    const auto samples = static_cast<double>(trace_.times.size());
    began_at_ = began_at_ + at_speed(std::max(0.0, span_us * samples / std::max(1.0, samples - 1)));
    index_ = 0;
}

}  // namespace longhaul::agent
