// What a process of agents says of itself: a line a change or every few seconds, and figures at the
// end.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/platform/linux/hosted_device.hpp"

namespace longhaul::agent {

using Devices = std::vector<std::unique_ptr<HostedDevice>>;

struct FleetFigures {
    std::size_t devices = 0;
    std::size_t connected = 0;
    std::size_t spools_full = 0;
    std::uint64_t samples = 0;
    std::uint64_t samples_too_large = 0;
    std::uint64_t samples_dropped = 0;  // not stored, by the rule drop_newest
    std::uint64_t samples_untold = 0;   // lost, and the collector does not know of it yet
    std::uint64_t written_bytes = 0;    // to the storage, as far as it tells
    std::uint64_t blocks = 0;
    std::uint64_t sealed_bytes = 0;
    std::uint64_t acked_blocks = 0;
    std::uint64_t acked_samples = 0;
    std::uint64_t wire_bytes = 0;
    std::map<std::string, std::uint64_t> sources_refused;  // lines of live sources, by reason
    std::uint64_t sources_lost = 0;
    std::string trouble;  // of one of the devices that have any
};
FleetFigures figures_of(const Devices& devices);

// One line of JSON, as people's programs read it.
std::string to_json(const FleetFigures& figures, const Refusals& refusals);

// Writes to stderr when something has changed, every few seconds at most.
class ProgressLog {
 public:
    void poll(const Devices& devices, MonotonicMs now);
    void say(const Devices& devices);

 private:
    MonotonicMs next_at_;
    std::string last_;
};

}  // namespace longhaul::agent
