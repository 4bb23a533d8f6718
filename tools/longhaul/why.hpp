// `longhaul why DEVICE`: what is the matter with a device, in one sentence: cause, age, what
// happens next, and whether anything is lost. Here the facts become the sentence; why_command finds
// them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collector/registry/registry.hpp"
#include "tools/longhaul/audit.hpp"

namespace longhaul::tools {

// How many entries of _quarantine or _losses have a reason, by the reason.
struct Losses {
    std::uint64_t blocks = 0;
    std::uint64_t samples = 0;
    std::uint64_t open_ends = 0;  // of which nobody knows how much it was
    std::uint64_t spans = 0;      // over several epochs, of which only the samples are known
};

struct DeviceFacts {
    std::string tenant;
    std::string device;
    collector::DeviceState state = collector::DeviceState::unknown;
    std::optional<WallUs> heard;  // when its newest entry came into the journal
    std::optional<collector::NotedRefusal> refusal;
    AuditCounts counts;  // over all its epochs
    std::size_t epochs = 0;
    std::vector<std::string> problems;                // of the audit
    std::map<std::string, std::uint64_t> quarantine;  // entries by reason
    std::map<std::string, Losses> losses;             // by reason
    bool collector_runs = false;
    std::int64_t commit_interval_s = 15;
};

struct Why {
    std::string state;     // a word for programs: "in_flight"
    std::string sentence;  // "acme/bus-1: …"
};

Why why(const DeviceFacts& facts, WallUs now);

// "3 min", "2 days"; of what lies in the future "0 s".
std::string age_text(WallUs then, WallUs now);

}  // namespace longhaul::tools
