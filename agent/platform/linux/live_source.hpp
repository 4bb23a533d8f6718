// A source of this machine that works by descriptors and times: a receiver, a log, programs.
//
// The device pumps it before the agent asks it for samples. What comes while the agent has no room
// for samples waits in a bounded queue; what does not fit there is counted as lost where nobody can
// be told to wait.
#pragma once

#include <poll.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/port/source.hpp"

namespace longhaul::agent {

struct SourceReport {
    std::string name;                                            // "nmea /dev/ttyUSB0"
    std::string trouble;                                         // empty: none
    std::vector<std::pair<std::string, std::uint64_t>> refused;  // lines, by reason
    std::uint64_t lost = 0;  // came while there was no room for samples
};

class LiveSource : public Source {
 public:
    virtual ~LiveSource() = default;

    // Reads and writes what is ready, and opens again what was lost. Never blocks.
    virtual void pump(MonotonicMs now) = 0;
    // When pump() has something to do although no descriptor is ready.
    virtual MonotonicMs pump_at() const { return MonotonicMs::never(); }
    // Adds what poll(2) has to watch.
    virtual void watch(std::vector<pollfd>& /*watched*/) const {}
    virtual SourceReport report() const = 0;
    // Reads nothing more. The agent asks for what is complete now; what it was given is stored yet.
    virtual void stop() {}
};

}  // namespace longhaul::agent
