// From the text of one cell to a value of a field. What cannot be read exactly is refused, never
// guessed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/block/schema.hpp"
#include "common/block/value.hpp"

namespace longhaul::agent {

// nullopt: unreadable as this kind. An empty cell is null in a nullable field, and an empty text in
// a text field that is not. A decimal on the grid of its scale travels as an integer; one that is
// finer, too large, infinite, no number or -0 travels as a double, which is the one nearest to the
// text. Texts point into `cell`; `bytes` are not read from cells.
std::optional<Value> read_cell(const Field& field, std::string_view cell);

// How times are written in a recording: "iso8601", or a pattern of %Y %m %d %H %M %S, where each
// stands for one or more digits and every other character for itself.
struct TimeFormat {
    std::string_view pattern = "iso8601";
    std::int64_t offset_s = 0;  // of a text that names no offset: what local time is ahead of UTC
};
bool valid_time_pattern(std::string_view pattern);
// UTC microseconds. Fractions finer than that are refused, and so are dates that do not exist.
std::optional<std::int64_t> read_time(const TimeFormat& format, std::string_view cell);
// "+01:00", "-06:00", "Z" to seconds.
std::optional<std::int64_t> read_utc_offset(std::string_view text);

}  // namespace longhaul::agent
