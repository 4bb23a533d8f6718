#include "firmware-sim/world/event_log.hpp"

#include <array>
#include <cstdio>

namespace longhaul::sim {

const char* name_of(Happening happening) {
    static constexpr std::array names{
        "boot",          "boot failed",   "power cut",   "restart",      "bad sector",
        "clock jump",    "link opening",  "link closed", "half open",    "sent",
        "delivered",     "blocks stored", "acked",       "collector up", "collector down",
        "sync failed",   "disk full",     "durable",     "committed",    "snapshot",
        "snapshot rots", "session ended", "drained",     "violation",    "unanswered",
        "name taken",    "clone told",    "rollback",    "gateway up",   "gateway down"};
    static_assert(names.size() == static_cast<std::size_t>(Happening::gateway_down) + 1);
    return names[static_cast<std::size_t>(happening)];
}

std::string EventLog::line(MonotonicMs now, std::uint32_t who, Happening what, std::int64_t a,
                           std::int64_t b) {
    constexpr std::int64_t second = 1000;
    constexpr std::int64_t minute = 60 * second;
    constexpr std::int64_t hour = 60 * minute;
    char text[160];
    const long long ms = now.value;
    std::snprintf(text, sizeof(text), "%4lld:%02lld:%02lld.%03lld  %-10s %-15s %lld %lld",
                  ms / hour, ms % hour / minute, ms % minute / second, ms % second,
                  who == collector ? "collector" : ("device " + std::to_string(who)).c_str(),
                  name_of(what), static_cast<long long>(a), static_cast<long long>(b));
    return text;
}

}  // namespace longhaul::sim
