#include "collector/writer/device_facts.hpp"

#include <algorithm>
#include <functional>

#include "common/base/wrapping.hpp"

namespace longhaul::collector {

void DeviceFacts::heard(WallUs time) {
    if (first_heard.value == 0) first_heard = last_heard = time;
    const std::int64_t pause_s = wrapping_subtract(time.value, last_heard.value) / 1'000'000;
    if (pause_s >= pause_s_min) {
        std::shift_right(pause_minutes.begin(), pause_minutes.end(), 1);
        pause_minutes[0] =
            static_cast<std::uint16_t>(std::min<std::int64_t>(pause_s / 60, UINT16_MAX));
        if (pauses < pauses_max) ++pauses;
    }
    last_heard = std::max(last_heard, time);
}

void DeviceFacts::said_backlog(WallUs connected, WallUs told, std::uint32_t blocks) {
    const std::int64_t connected_s = connected.value / 1'000'000;
    const bool older = connected_s < backlog_s && backlog_s <= told.value / 1'000'000;
    if (older || connected_s < 0 || connected_s > UINT32_MAX) return;
    backlog_s = static_cast<std::uint32_t>(connected_s);
    backlog = blocks;
}

// Records of a backlog come behind those of newer boots.
bool DeviceFacts::boot(std::uint32_t its_incarnation, std::uint32_t its_epoch) {
    if (epoch != 0 && incarnation == its_incarnation && its_epoch < epoch) return false;
    incarnation = its_incarnation;
    epoch = its_epoch;
    clock_error_us = -1;
    return true;
}

std::int64_t DeviceFacts::rhythm_s() const {
    std::array<std::uint16_t, pauses_max> sorted = pause_minutes;
    std::sort(sorted.begin(), sorted.end(), std::greater<>{});
    const std::int64_t minutes = pauses == 0 ? 0 : sorted[pauses == 1 ? 0 : 1];
    return std::max(pause_s_min, minutes * 60);
}

}  // namespace longhaul::collector
