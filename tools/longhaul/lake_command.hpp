// `longhaul lake …`: what the upkeep of a running collector does by itself, by hand. It may run
// beside the collector: every change is a commit like any other.
#pragma once

#include <string>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::tools {

struct LakeOptions {
    std::string config;
    std::string table;  // "acme/bus_position"; empty: all
    std::string day;    // of receive_date; empty: all of them
    bool json = false;
    WallUs now;
};

Result<int, Message> list_lake(const LakeOptions& options);
// What each device takes up, of one day by the hour.
Result<int, Message> list_stored(const LakeOptions& options);
Result<int, Message> compact_lake(const LakeOptions& options);
// Expires, removes, cuts, as the configuration says.
Result<int, Message> clean_lake(const LakeOptions& options);

}  // namespace longhaul::tools
