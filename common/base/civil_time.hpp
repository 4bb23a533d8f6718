// UTC microseconds as date and time texts. For hosts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/time.hpp"

namespace longhaul {

// "2026-11-21"; what lies outside of the years 1 to 9999 is put on their first or last day.
std::string date_text(WallUs time);
std::string timestamp_text_ms(WallUs time);  // "2026-11-21T05:58:00.123Z", cut to milliseconds

// "2026-11-21", its midnight, or "2026-11-21T05:58" with seconds or not, all of it UTC, whether a Z
// says so or not. Nothing: it is no such text, or there is no such time.
std::optional<WallUs> parse_utc(const std::string& text);

}  // namespace longhaul
