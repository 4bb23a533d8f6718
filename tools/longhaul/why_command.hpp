// `longhaul why`: finds the facts in registry, journal and tables by the collector's configuration,
// whether the collector runs or not, and prints the sentence.
#pragma once

#include <string>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::tools {

struct WhyOptions {
    std::string config;
    std::string device;  // "bus-1", or "acme/bus-1" if several tenants have one
    bool json = false;
    WallUs now;
};

// The exit code. A message: what is needed for an answer cannot be read.
Result<int, Message> why_command(const WhyOptions& options);

}  // namespace longhaul::tools
