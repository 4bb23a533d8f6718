// `why`: one sentence about a device, with what waits, since when, why, and whether anything is
// lost. What is not known is not said.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"
#include "agent/platform/linux/live_source.hpp"
#include "agent/platform/linux/spool_standing.hpp"

namespace longhaul::agent {

// What only a running agent knows.
struct RunningFacts {
    bool connected = false;
    std::int64_t link_ms = 0;  // for how long it is so
    std::optional<std::int64_t> next_try_ms;
    std::string cause;            // why the link is down
    std::string storing;          // why nothing can be stored; empty: it can
    std::uint64_t samples = 0;    // taken from the sources since the agent began
    std::uint64_t too_large = 0;  // samples that fit no block
    std::vector<SourceReport> sources;
    bool cut_off_before = false;  // a run before did not end, and what it had in memory is gone
    std::string clock = {};       // why the clock is not believed; empty: it is
    AgentWear wear = {};
    std::uint64_t dropped = 0;  // samples that were not stored, by the rule drop_newest
    std::vector<std::string> worse_models = {};  // streams whose model no longer fits
    std::vector<Loss> untold = {};  // what is lost and the collector does not know of yet
};

struct WhyFacts {
    std::string device;
    std::vector<SpoolStanding> spool;
    std::uint64_t spool_bytes_max = 0;
    std::optional<RunningFacts> running;
    std::uint64_t spool_lost = 0;  // samples that were stored, or were to be, and are lost
};

// "the clock says 1970-01-01, before 2026-11-21, which it has already been"
std::string clock_trouble(WallUs shown, WallUs known);

std::string why_sentence(const WhyFacts& facts);
std::string why_json(const WhyFacts& facts);

}  // namespace longhaul::agent
