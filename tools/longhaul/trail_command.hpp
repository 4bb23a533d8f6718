// `longhaul audit-trail verify`, and how the other commands write into the trails.
#pragma once

#include <string>
#include <vector>

#include "collector/registry/audit_trail.hpp"

namespace longhaul::tools {

// A fact of a person who uses the tools: who runs this program, and the time.
collector::TrailFact fact(std::string tenant, std::string what, std::string about, std::string why,
                          WallUs now);
// Into the trails beside the registry. What the facts tell of is done already; the message says
// that, and what keeps it from being written down.
Result<void, Message> note(const std::string& registry,
                           const std::vector<collector::TrailFact>& facts);
// The same of a command that may have failed behind what the facts tell of; its error goes first.
Result<void, Message> note_after(const Result<void, Message>& outcome, const std::string& registry,
                                 const std::vector<collector::TrailFact>& facts);

struct TrailOptions {
    std::string config;
    std::vector<std::string> heads;  // hashes that have to be found
    bool json = false;
};
// The exit code: 0 all trails are whole, 65 one is not.
Result<int, Message> verify_trails(const TrailOptions& options);

}  // namespace longhaul::tools
