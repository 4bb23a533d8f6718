// From a field of an NMEA sentence to a value: exact, or not at all. Needs no heap.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/block/value.hpp"

namespace longhaul::agent {

// "-6.0": a decimal of this scale. On its grid it is an integer, finer ones are the nearest double,
// as in cells of recordings. nullopt: no number, or one with more than 15 digits.
std::optional<Value> read_nmea_decimal(std::string_view text, unsigned scale);
std::optional<std::int64_t> read_nmea_integer(std::string_view text);  // up to 9 digits, no sign

// "4739.71890", "N": degrees and minutes as degrees times 10^7, half up in magnitude. Beyond
// `degrees_max`, or 60 minutes and more: nullopt.
std::optional<std::int64_t> read_nmea_angle(std::string_view text, std::string_view hemisphere,
                                            int degrees_max);

// "055234.200" as microseconds of the day; a leap second is the first of the next day.
std::optional<std::int64_t> read_nmea_time(std::string_view text);
// Days since 1970-01-01 of a date that exists.
std::optional<std::int64_t> read_nmea_date(std::string_view day, std::string_view month,
                                           std::string_view year);
// "050826"; years from 80 are those of the last century.
std::optional<std::int64_t> read_nmea_short_date(std::string_view text);

}  // namespace longhaul::agent
