// UTC microseconds as date and time texts. For hosts.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/time.hpp"

namespace longhaul {

// "2026-11-21"; what lies outside of the years 1 to 9999 is put on their first or last day.
std::string date_text(WallUs time);
std::string timestamp_text_ms(WallUs time);  // "2026-11-21T05:58:00.123Z", cut to milliseconds

}  // namespace longhaul
