// Many devices in one process and one thread: polls every agent when its time has come or its
// socket is ready. SIGTERM and SIGINT store what is staged, say goodbye and end the process.
#pragma once

#include "agent/platform/linux/devices_to_make.hpp"

namespace longhaul::agent {

struct FleetOptions {
    bool exit_when_drained = false;  // the sources have ended and everything is acknowledged
};

class Fleet {
 public:
    // `make` makes a device anew whose spool was found damaged.
    Fleet(Devices devices, DevicesToMake::Make make)
        : devices_{std::move(devices)}, to_make_{std::move(make)} {}

    // Runs until it is told to stop; false when something could not be stored in time, or a device
    // could not be made anew up to then.
    bool run(const FleetOptions& options);
    const Devices& devices() const { return devices_; }

 private:
    // One round over all devices; returns when the next one is due.
    MonotonicMs poll_devices(const FleetOptions& options, MonotonicMs now);
    void stop_all(MonotonicMs now);
    bool all_stopped() const;
    bool ended(const FleetOptions& options, bool stopping) const;
    // Waits for a socket, a signal (true) or the time.
    bool wait(int signals, MonotonicMs until);

    void remake_damaged(MonotonicMs now);

    Devices devices_;
    DevicesToMake to_make_;
    ProgressLog log_;
};

}  // namespace longhaul::agent
