#include "firmware-sim/fleet/fleet_loop.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/base/check.hpp"
#include "common/host/open_files.hpp"

namespace longhaul::sim {
namespace {

constexpr std::int64_t ask_ms = 200;
constexpr std::size_t files_besides = 64;  // libraries, registry, lake
constexpr std::size_t events_max = 1024;

}  // namespace

Result<void, Message> allow_sockets(std::size_t devices) {
    const std::uint64_t limit = raise_open_files_limit();
    const std::size_t wanted = devices + files_besides;
    if (limit >= wanted) return {};
    return Message{std::to_string(devices) + " devices take " + std::to_string(wanted) +
                   " open files, and this process may have " + std::to_string(limit) +
                   ": take fewer --devices, or raise the hard limit as root (prlimit --nofile=" +
                   std::to_string(wanted) + " --pid $$); the collector needs as many"};
}

FleetLoop::FleetLoop(const FleetDevices& devices, int descriptor)
    : devices_{devices}, descriptor_{descriptor}, due_(devices.size(), MonotonicMs::never()) {}

Result<std::unique_ptr<FleetLoop>, Message> FleetLoop::make(const FleetDevices& devices) {
    const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) return Message{"the system gives no epoll: too many open files"};
    return std::unique_ptr<FleetLoop>{new FleetLoop{devices, descriptor}};
}

FleetLoop::~FleetLoop() { ::close(descriptor_); }

void FleetLoop::for_each(const std::function<void(FleetDevice& device)>& tell) {
    for (std::size_t i = 0; i < devices_.size(); ++i) {
        tell(*devices_[i]);
        due_[i] = devices_[i]->due_at();
    }
}

bool FleetLoop::run_until(const Done& done, MonotonicMs end) {
    MonotonicMs ask_at;
    for (;;) {
        const MonotonicMs now = agent::monotonic_now();
        if (now >= ask_at) {
            if (done(now)) return true;
            if (now >= end) return false;
            ask_at = now + ask_ms;
        }
        MonotonicMs next = ask_at;
        for (std::size_t i = 0; i < due_.size(); ++i) {
            if (due_[i] <= now) poll(i);
            next = std::min(next, due_[i]);
        }
        wait(next);
    }
}

// The kernel forgets a socket that is closed, and the next one may have its number: so it is told
// of each one as if it knew it, and otherwise anew.
void FleetLoop::poll(std::size_t at) {
    FleetDevice& device = *devices_[at];
    device.poll(agent::monotonic_now());
    due_[at] = device.due_at();
    if (device.descriptor() < 0) return;
    epoll_event event{};
    event.events = EPOLLIN | (device.wants_write() ? EPOLLOUT : 0U);
    event.data.u64 = at;
    if (::epoll_ctl(descriptor_, EPOLL_CTL_MOD, device.descriptor(), &event) == 0) return;
    LH_CHECK(errno == ENOENT);
    LH_CHECK(::epoll_ctl(descriptor_, EPOLL_CTL_ADD, device.descriptor(), &event) == 0);
}

void FleetLoop::wait(MonotonicMs until) {
    std::array<epoll_event, events_max> events;
    const std::int64_t left_ms =
        std::clamp<std::int64_t>(until - agent::monotonic_now(), 0, ask_ms);
    const int count = ::epoll_wait(descriptor_, events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(left_ms));
    for (int i = 0; i < count; ++i) due_[events[static_cast<std::size_t>(i)].data.u64] = {};
}

}  // namespace longhaul::sim
