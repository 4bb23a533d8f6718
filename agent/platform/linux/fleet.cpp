#include "agent/platform/linux/fleet.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

namespace longhaul::agent {
namespace {

constexpr std::int64_t stop_ms_max = 10'000;
constexpr std::int64_t wait_ms_max = 1000;  // so that the progress is told in time

// SIGTERM and SIGINT as a descriptor; they stay blocked until the process ends. Nor does the
// process end because nobody reads what it tells.
int open_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

}  // namespace

bool Fleet::run(const FleetOptions& options) {
    const int signals = open_signals();
    MonotonicMs stop_due = MonotonicMs::never();
    for (;;) {
        const MonotonicMs now = monotonic_now();
        const MonotonicMs next = poll_devices(options, now);
        if (ended(options, stop_due != MonotonicMs::never())) break;
        if (now >= stop_due) break;
        log_.poll(devices_, now);
        if (wait(signals, std::min(next, stop_due)) && stop_due == MonotonicMs::never()) {
            stop_due = monotonic_now() + stop_ms_max;
            stop_all(monotonic_now());
        }
    }
    ::close(signals);
    log_.say(devices_);
    return all_stopped() && to_make_.empty();
}

MonotonicMs Fleet::poll_devices(const FleetOptions& options, MonotonicMs now) {
    remake_damaged(now);
    MonotonicMs next = to_make_.due_at();
    for (auto& device : devices_) {
        if (device->due_at() <= now) {
            // An anchor ties this moment to the date, so it may not be one of a while ago.
            device->poll(monotonic_now());
            if (options.exit_when_drained && !device->stopping() && device->drained())
                device->stop(now);
        }
        next = std::min(next, device->due_at());
    }
    return next;
}

// Nothing of the old one may be left when the new one takes its spool and its sockets.
void Fleet::remake_damaged(MonotonicMs now) {
    for (auto& device : devices_) {
        if (!device->spool_damaged() || device->stopping()) continue;
        to_make_.add(device->config(), now);
        std::fprintf(stderr,
                     "longhaul-agent: %s: the spool was found damaged, the device begins anew\n",
                     device->name().c_str());
        device.reset();
    }
    std::erase(devices_, nullptr);
    to_make_.poll(now, devices_);
}

void Fleet::stop_all(MonotonicMs now) {
    for (const auto& device : devices_) device->stop(now);
}

// Whoever waits to be made is not waited for when everybody else is done.
bool Fleet::ended(const FleetOptions& options, bool stopping) const {
    return all_stopped() && (to_make_.empty() || stopping || options.exit_when_drained);
}

bool Fleet::all_stopped() const {
    return std::all_of(devices_.begin(), devices_.end(),
                       [](const auto& device) { return device->agent().stopped(); });
}

bool Fleet::wait(int signals, MonotonicMs until) {
    std::vector<pollfd> watched{{signals, POLLIN, 0}};
    std::vector<std::size_t> ends;  // of each device's part of `watched`
    for (const auto& device : devices_) {
        device->watch(watched);
        ends.push_back(watched.size());
    }
    const std::int64_t left_ms = std::clamp<std::int64_t>(until - monotonic_now(), 0, wait_ms_max);
    if (::poll(watched.data(), watched.size(), static_cast<int>(left_ms)) <= 0) return false;
    std::size_t at = 1;
    for (std::size_t i = 0; i < devices_.size(); ++i) {
        for (; at < ends[i]; ++at) {
            if (watched[at].revents != 0) devices_[i]->wake();
        }
    }
    signalfd_siginfo info;
    return watched[0].revents != 0 && ::read(signals, &info, sizeof(info)) == sizeof(info);
}

}  // namespace longhaul::agent
