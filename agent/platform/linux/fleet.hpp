// Many devices in one process and one thread: polls every agent when its time has come or its
// socket is ready. SIGTERM and SIGINT store what is staged, say goodbye and end the process.
#pragma once

#include <functional>

#include "agent/platform/linux/report.hpp"

namespace longhaul::agent {

struct FleetOptions {
    bool exit_when_drained = false;  // the sources have ended and everything is acknowledged
};

// As many as the process may have; comes before the devices are made, each of which needs a socket
// and the files of its spool.
void raise_descriptor_limit();

class Fleet {
 public:
    using Make = std::function<Result<std::unique_ptr<HostedDevice>, Message>(const AgentConfig&)>;
    // `make` makes a device anew whose spool was found damaged.
    Fleet(Devices devices, Make make) : devices_{std::move(devices)}, make_{std::move(make)} {}

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

    // A device whose spool could not be made anew: it is tried again every minute.
    struct Waiting {
        AgentConfig config;
        MonotonicMs again_at;
    };
    void remake_damaged(MonotonicMs now);
    bool make(Waiting& each, MonotonicMs now);

    Devices devices_;
    std::vector<Waiting> waiting_;
    Make make_;
    ProgressLog log_;
};

}  // namespace longhaul::agent
