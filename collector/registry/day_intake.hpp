// What the devices of each tenant have sent in a day of UTC.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace longhaul::collector {

struct DayIntake {
    std::int64_t day = 0;  // since 1970
    std::map<std::string, std::uint64_t> bytes{};

    bool operator==(const DayIntake&) const = default;
};

}  // namespace longhaul::collector
