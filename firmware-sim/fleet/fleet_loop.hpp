// One thread and one event loop for all devices of `longhaul-sim fleet`: whoever is due, or has a
// socket that is ready, works.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "firmware-sim/fleet/fleet_device.hpp"

namespace longhaul::sim {

using FleetDevices = std::vector<std::unique_ptr<FleetDevice>>;

// So many devices can be connected from this process; the message says how to allow it. Comes
// before the devices are made.
Result<void, Message> allow_sockets(std::size_t devices);

class FleetLoop {
 public:
    // The devices stay where they are, and outlive the loop.
    static Result<std::unique_ptr<FleetLoop>, Message> make(const FleetDevices& devices);
    ~FleetLoop();
    FleetLoop(const FleetLoop&) = delete;
    FleetLoop& operator=(const FleetLoop&) = delete;

    // Asked a few times a second.
    using Done = std::function<bool(MonotonicMs now)>;
    // False: `end` came before that.
    bool run_until(const Done& done, MonotonicMs end);
    // Each device is told, and then asked when it is due.
    void for_each(const std::function<void(FleetDevice& device)>& tell);

 private:
    FleetLoop(const FleetDevices& devices, int descriptor);
    void poll(std::size_t at);
    void wait(MonotonicMs until);

    const FleetDevices& devices_;
    int descriptor_;  // of epoll
    std::vector<MonotonicMs> due_;
};

}  // namespace longhaul::sim
