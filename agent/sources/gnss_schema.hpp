// The schema "gnss": one fix of a satellite receiver, as its NMEA sentences tell it. The live
// source and recordings share it.
#pragma once

#include "common/block/schema.hpp"

namespace longhaul::agent {

// The fields by their place in the schema.
enum class GnssField : std::uint8_t {
    gnss_time,  // UTC microseconds as the receiver says, the year of a rollover and all
    talker,     // who spoke first: GP, GN, GL, GA, GB, BD, QZ …
    latitude,   // degrees, from degrees and minutes, rounded to 1e-7
    longitude,
    altitude,  // above mean sea level, m
    speed,     // over ground, knots
    course,    // true, degrees
    quality,   // of GGA: 0 no fix, 1 GNSS, 2 differential, 4 and 5 RTK, 6 dead reckoning …
    satellites,
    hdop,
    status,  // A valid, V not; of RMC or GLL
    mode,    // as RMC, GLL, VTG or GNS have it: A, D, E, N …
};
inline constexpr std::size_t gnss_field_count = 12;

extern const Schema gnss_schema;

}  // namespace longhaul::agent
