// Devices whose spool was found damaged while they ran, until they are made anew. Where the disk
// has no room for that, each is tried again every minute.
#pragma once

#include <functional>

#include "agent/platform/linux/report.hpp"

namespace longhaul::agent {

class DevicesToMake {
 public:
    static constexpr std::int64_t again_ms = 60'000;

    using Make = std::function<Result<std::unique_ptr<HostedDevice>, Message>(const AgentConfig&)>;
    explicit DevicesToMake(Make make) : make_{std::move(make)} {}

    // Nothing of the old device may be left when poll() comes.
    void add(const AgentConfig& config, MonotonicMs now) { waiting_.push_back({config, now}); }
    // Tries those that are due; what was made goes to `devices`.
    void poll(MonotonicMs now, Devices& devices);
    MonotonicMs due_at() const;
    bool empty() const { return waiting_.empty(); }

 private:
    struct Waiting {
        AgentConfig config;
        MonotonicMs due_at;
    };
    bool make(Waiting& each, MonotonicMs now, Devices& devices);

    Make make_;
    std::vector<Waiting> waiting_;
};

}  // namespace longhaul::agent
