#include "agent/platform/cortexm/nmea_receiver.hpp"

#include <utility>

#include "agent/platform/cortexm/board.hpp"
#include "common/base/check.hpp"

namespace longhaul::agent {

NmeaReceiver::NmeaReceiver() {
    ByteWriter out{encoded_};
    LH_CHECK(encode_schema(gnss_schema, out).ok());
    const Bytes gnss = out.written();
    LH_CHECK(encode_schema(transducer_schema, out).ok());
    streams_[0] = {"gnss", &gnss_schema, gnss, gnss_schema.default_class};
    streams_[1] = {"transducer", &transducer_schema, out.written().subspan(gnss.size()),
                   transducer_schema.default_class};
}

// The line is asked for as many bytes as there are; what is too long for a sentence is cut off, and
// refused as such.
const Sample* NmeaReceiver::next(MonotonicMs now) {
    if (const Sample* const reading = give_reading()) return reading;
    for (int byte = board::read_receiver(); byte >= 0; byte = board::read_receiver()) {
        last_byte_at_ = now;
        if (byte != '\n') {
            if (line_bytes_ < line_.size()) line_[line_bytes_++] = static_cast<char>(byte);
            continue;
        }
        const std::string_view line{line_.data(), std::exchange(line_bytes_, 0)};
        if (const Sample* const sample = take_line(line, now)) return sample;
    }
    const bool paused = fixes_.under_way() && now >= last_byte_at_ + pause_ms;
    return paused ? give(fixes_.flush()) : nullptr;
}

const Sample* NmeaReceiver::take_line(std::string_view line, MonotonicMs now) {
    sample_.time = now.value * 1000;
    if (readings_.take(line)) return give_reading();
    const GnssFix* const fix = fixes_.take(line, sample_.time);
    return fix != nullptr ? give(fix) : nullptr;
}

MonotonicMs NmeaReceiver::next_at() const {
    if (board::receiver_has_bytes()) return {};
    return fixes_.under_way() ? last_byte_at_ + pause_ms : until_woken;
}

const Sample* NmeaReceiver::give(const GnssFix* fix) {
    sample_ = {0, fix->time_us(), fix->values()};
    return &sample_;
}

// Those of a sentence have the time of its line.
const Sample* NmeaReceiver::give_reading() {
    const std::span<const Value> values = readings_.next();
    if (values.empty()) return nullptr;
    sample_ = {1, sample_.time, values};
    return &sample_;
}

}  // namespace longhaul::agent
