// What a run has to say: for people, for programs, for a CI server.
#pragma once

#include <string>
#include <vector>

#include "firmware-sim/world/world.hpp"

namespace longhaul::sim {

struct RunReport {
    std::string scenario;  // path
    std::string name;
    std::string command;  // that gives this run again
    double seconds = 0;
    Report report;
};

std::string in_words(const RunReport& run);
std::string in_json(const RunReport& run);  // one object, one line
std::string in_junit(const std::vector<RunReport>& runs);
// Of several seeds, in one line.
std::string summary(const std::vector<RunReport>& runs);

}  // namespace longhaul::sim
