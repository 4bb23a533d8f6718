#include "firmware-sim/world/path.hpp"

#include <algorithm>
#include <charconv>

namespace longhaul::sim {
namespace {

constexpr std::int64_t second_ms = 1000;
constexpr std::int64_t day_ms = 86'400'000;
constexpr std::size_t packet_bytes = 1400;
constexpr std::size_t packet_header_bytes = 40;
constexpr std::int64_t resend_ms_min = 200;
constexpr std::int64_t resend_ms_max = 60'000;
constexpr LinkSecond healthy{20, 10'000};

Result<LinkSecond> parse_second(std::string_view line) {
    LinkSecond second;
    const char* const end = line.data() + line.size();
    const auto delay = std::from_chars(line.data(), end, second.delay_ms);
    if (delay.ec != std::errc{} || delay.ptr == end || *delay.ptr != ',')
        return ErrorCode::malformed;
    const auto rate = std::from_chars(delay.ptr + 1, end, second.kbit_s);
    if (rate.ec != std::errc{} || rate.ptr != end) return ErrorCode::malformed;
    return second;
}

}  // namespace

Result<LinkRecording, Message> parse_link_recording(std::string_view text,
                                                    const std::string& name) {
    LinkRecording recording;
    bool passes = false;
    for (std::size_t line = 1; !text.empty(); ++line) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view here = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line == 1 && here == "delay_ms,kbit_s") continue;
        const auto second = parse_second(here);
        if (line == 1 || !second.ok())
            return Message{name + ": line " + std::to_string(line) +
                           (line == 1 ? ": the head has to be \"delay_ms,kbit_s\""
                                      : ": expected two whole numbers, \"delay_ms,kbit_s\"")};
        passes = passes || second.value().kbit_s != 0;
        recording.push_back(second.value());
    }
    if (!passes) return Message{name + ": nothing ever gets through this link"};
    return recording;
}

Path::Path(const LinkSettings& settings, std::vector<TimeSpan> outages, MonotonicMs healed_at,
           Random random)
    : settings_{settings}, outages_{std::move(outages)}, healed_at_{healed_at}, random_{random} {
    if (settings_.recording) phase_ = random_.below(settings_.recording->size());
    if (settings_.outage_every_s == 0) return;
    MonotonicMs at;
    for (;;) {
        at = at + random_.between(second_ms, 2 * second_ms * settings_.outage_every_s);
        if (at >= healed_at_) break;
        const MonotonicMs to = at + random_.between(second_ms, 2 * second_ms * settings_.outage_s);
        outages_.push_back({at, to});
        at = to;
    }
    std::sort(outages_.begin(), outages_.end(),
              [](const TimeSpan& a, const TimeSpan& b) { return a.from < b.from; });
}

// The same time when there is none.
MonotonicMs Path::end_of_outage(MonotonicMs time) const {
    for (const TimeSpan& outage : outages_) {
        if (outage.from > time) break;
        if (time < outage.to) time = outage.to;
    }
    return std::min(time, healed_at_);
}

LinkSecond Path::second_at(MonotonicMs time) const {
    if (time >= healed_at_) return healthy;
    if (end_of_outage(time) != time) return {};
    if (!settings_.recording)
        return {static_cast<std::uint32_t>(settings_.delay_ms),
                static_cast<std::uint32_t>(settings_.kbit_s)};
    const auto at = phase_ + static_cast<std::size_t>(time.value / second_ms);
    return (*settings_.recording)[at % settings_.recording->size()];
}

// When the last bit has left.
MonotonicMs Path::send(std::int64_t bits, MonotonicMs from) const {
    MonotonicMs time = from;
    for (;;) {
        if (time < healed_at_) time = end_of_outage(time);
        const std::int64_t bits_a_ms = second_at(time).kbit_s;
        const std::int64_t left_ms = second_ms - time.value % second_ms;
        if (bits_a_ms != 0 && bits <= bits_a_ms * left_ms)
            return time + (bits + bits_a_ms - 1) / bits_a_ms;
        bits -= bits_a_ms * left_ms;
        time = time + left_ms;
    }
}

// Whoever has used up his bytes waits for the next day, or until all is well.
MonotonicMs Path::within_budget(std::size_t bytes, MonotonicMs from) {
    bytes_carried_ += bytes;
    if (settings_.day_bytes_max == 0 || from >= healed_at_) return from;
    if (from.value / day_ms > day_) {
        day_ = from.value / day_ms;
        day_bytes_ = 0;
    }
    if (day_bytes_ >= settings_.day_bytes_max) {
        ++day_;
        day_bytes_ = 0;
    }
    day_bytes_ += bytes;
    const MonotonicMs next = std::min(MonotonicMs{day_ * day_ms}, healed_at_);
    if (from < next) ++counts_.budget_waits;
    return std::max(from, next);
}

// Returns the time that lost packets take until they are there; adds the bytes of those that were
// sent twice.
std::int64_t Path::cost_of_packets(std::size_t count, std::size_t& bytes) {
    std::int64_t longest_ms = 0;
    for (std::size_t i = 0; i < count; ++i) {
        std::int64_t waits_ms = 0;
        std::int64_t resend_ms = resend_ms_min;
        for (; random_.permille(settings_.loss_permille); bytes += packet_bytes) {
            ++counts_.lost_packets;
            waits_ms += resend_ms;
            resend_ms = std::min(2 * resend_ms, resend_ms_max);
        }
        if (random_.permille(settings_.duplicate_permille)) {
            ++counts_.duplicated_packets;
            bytes += packet_bytes;
        }
        longest_ms = std::max(longest_ms, waits_ms);
    }
    return longest_ms;
}

MonotonicMs Path::carry(Way way, std::size_t bytes, MonotonicMs now) {
    const auto index = static_cast<std::size_t>(way);
    const std::size_t packets = bytes / packet_bytes + 1;
    std::size_t sent = bytes + packets * packet_header_bytes;
    const bool healed = now >= healed_at_;
    const std::int64_t waits_ms = healed ? 0 : cost_of_packets(packets, sent);
    const std::int64_t jitter_ms =
        healed || settings_.jitter_ms == 0 ? 0 : random_.between(0, settings_.jitter_ms);
    const MonotonicMs begin = within_budget(sent, std::max(now, busy_until_[index]));
    if (is_out(begin)) ++counts_.outage_waits;
    busy_until_[index] = send(static_cast<std::int64_t>(sent) * 8, begin);
    const std::int64_t delay_ms = second_at(busy_until_[index]).delay_ms;
    const MonotonicMs alone = busy_until_[index] + delay_ms + jitter_ms + waits_ms;
    if (alone < arrived_[index]) ++counts_.held_behind;
    return arrived_[index] = std::max(arrived_[index], alone);
}

}  // namespace longhaul::sim
