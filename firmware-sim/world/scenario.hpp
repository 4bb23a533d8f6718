// A scenario: who is there, what happens to them, and what is expected in the end. Read from TOML;
// docs/simulator.md has all keys.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "firmware-sim/world/device.hpp"
#include "firmware-sim/world/world_collector.hpp"

namespace longhaul::sim {

struct FleetPlan {
    std::string name;
    std::int64_t devices = 1;
    std::vector<std::string> generators;
    std::vector<RecordingUse> recordings;
    LinkSettings link;
    std::vector<TimeSpan> outages;
    DeviceSettings device;  // name, number and what follows from the run are filled in later
};

struct Expectations {
    std::int64_t lost_max = 0;  // samples that the device had stored, or dropped for want of room
    std::int64_t cut_max = 0;   // samples that were in memory when the power failed
    std::int64_t quarantined_max = 0;
    std::int64_t drain_s_max = 3'600;
    std::int64_t samples_min = 1;
    std::int64_t snapshot_bytes_max = 0;               // of the largest one; 0: any
    std::map<std::string, std::int64_t> happened_min;  // by the names of happened.hpp
};

struct Scenario {
    std::string path;
    std::string name;
    std::int64_t duration_s = 3'600;
    std::int64_t calm_s = 1'800;     // without faults, before the sources end
    std::int64_t check_every_s = 0;  // what holds at any time is judged so often; 0: at the end
    CollectorSettings collector;
    std::vector<FleetPlan> fleets;
    Expectations expect;

    static Result<Scenario, Message> load(const std::string& path);
    static Result<Scenario, Message> parse(std::string_view text, const std::string& path);
    // So many devices in all, in the same proportions; each fleet keeps one. Of what was to happen
    // nothing is expected any more: that was counted for the whole.
    void set_devices(std::int64_t devices);
    void set_duration_s(std::int64_t wanted);  // the same
    std::int64_t devices() const;
};

}  // namespace longhaul::sim
