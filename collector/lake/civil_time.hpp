// UTC microseconds as the date and time texts of the lake.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/time.hpp"

namespace longhaul::collector {

// "2026-11-21"; what lies outside of the years 1 to 9999 is put on their first or last day.
std::string date_text(WallUs time);
std::string timestamp_text_ms(WallUs time);  // "2026-11-21T05:58:00.123Z", cut to milliseconds

}  // namespace longhaul::collector
