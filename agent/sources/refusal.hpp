// Why a line of a recording holds no sample. Every line that a recording has is a sample, a part of
// one, or counted under one of these.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace longhaul::agent {

enum class Refusal : std::uint8_t {
    empty,      // nothing in it, or all cells empty
    malformed,  // no JSON object, no line of candump, a quote that never ends
    columns,    // more or fewer cells than the head has; a JSON object that has a name twice
    device,     // what names the device is empty
    time,       // unreadable
    value,      // a field is unreadable, or empty and not nullable
    too_long,
    not_nmea,  // lines of comment as well
    checksum_missing,
    checksum_wrong,
};
inline constexpr std::size_t refusal_count = 10;
const char* name_of(Refusal reason);

using Refusals = std::array<std::uint64_t, refusal_count>;

}  // namespace longhaul::agent
