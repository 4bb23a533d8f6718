// The recordings of a process, each read once, however many devices replay it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "agent/platform/linux/agent_config.hpp"
#include "agent/sources/trace_source.hpp"

namespace longhaul::agent {

class TraceLibrary {
 public:
    // First all devices say what they want, then everything is read.
    Result<void, Message> want(const AgentConfig& config);
    Result<void, Message> load();

    // One source a trace of the configuration. The library outlives them.
    Result<std::vector<std::unique_ptr<TraceSource>>, Message> sources(
        const AgentConfig& config) const;
    // Of all recordings together.
    Refusals refusals() const;

 private:
    struct Recording {
        std::set<std::string> wanted;
        std::unique_ptr<TraceFile> file;
    };
    using Key = std::pair<std::string, std::string>;  // mapping, file
    Key key_of(const TraceConfig& config) const;

    std::map<std::string, std::unique_ptr<TraceMapping>> mappings_;
    std::map<Key, Recording> recordings_;
};

}  // namespace longhaul::agent
