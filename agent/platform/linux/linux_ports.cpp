#include "agent/platform/linux/linux_ports.hpp"

#include <sys/random.h>
#include <sys/timex.h>
#include <time.h>

#include <cerrno>

namespace longhaul::agent {
namespace {

constexpr std::int64_t earliest_s = 1'700'000'000;  // 2023-11-14

}  // namespace

MonotonicMs monotonic_now() {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return {static_cast<std::int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000};
}

Status LinuxEntropy::fill(MutableBytes room) {
    while (!room.empty()) {
        const ssize_t count = ::getrandom(room.data(), room.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return Error{ErrorCode::io, "the kernel gives no random bytes"};
        room = room.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

WallReading LinuxWallClock::read() {
    WallReading reading;
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    reading.now.value = static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_nsec / 1000;
    reading.known = time.tv_sec >= earliest_s;

    timex kernel{};
    const int state = ::adjtimex(&kernel);
    reading.synchronized = state >= 0 && state != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0;
    reading.error_us =
        reading.synchronized ? static_cast<std::uint64_t>(kernel.maxerror) : error_us_unbounded;
    return reading;
}

}  // namespace longhaul::agent
