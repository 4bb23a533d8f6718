// How times are written in recordings, and what they mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace longhaul::agent {

// `pattern` is one of
//   "iso8601"                      2024-05-24T07:11:56.25+02:00; the offset may be missing
//   "unix_s", "unix_ms", "unix_us" a decimal number since 1970-01-01T00:00:00Z
//   a pattern of %Y %m %d %H %M %S %f, where each stands for one or more digits (%f for those of a
//   fraction of a second) and every other character for itself; what it does not have is that of
//   1970-01-01T00:00:00
struct TimeFormat {
    std::string_view pattern = "iso8601";
    std::int64_t offset_s = 0;  // of a text that names no offset: what local time is ahead of UTC
    bool cut_finer = false;     // what is finer than microseconds is left out instead of refused
};
bool valid_time_pattern(std::string_view pattern);
// UTC microseconds of the years 1 to 9999. Dates that do not exist are refused.
std::optional<std::int64_t> read_time(const TimeFormat& format, std::string_view cell);
// "+01:00", "-06:00", "Z" to seconds.
std::optional<std::int64_t> read_utc_offset(std::string_view text);

}  // namespace longhaul::agent
