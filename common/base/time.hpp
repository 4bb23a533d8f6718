// Three clocks that must not be mixed up.
#pragma once

#include <compare>
#include <cstdint>

namespace longhaul {

// Milliseconds of a clock that never steps back and says nothing about the date. Deadlines use it.
struct MonotonicMs {
    std::int64_t value = 0;

    static constexpr MonotonicMs never() { return {INT64_MAX}; }
    constexpr MonotonicMs operator+(std::int64_t ms) const { return {value + ms}; }
    constexpr std::int64_t operator-(MonotonicMs other) const { return value - other.value; }
    friend constexpr auto operator<=>(MonotonicMs, MonotonicMs) = default;
};

// UTC, microseconds since 1970-01-01, as far as the machine knows it.
struct WallUs {
    std::int64_t value = 0;
    friend constexpr auto operator<=>(WallUs, WallUs) = default;
};

// Device time: ticks since the epoch (the boot) began, in the resolution of the schema.
struct Ticks {
    std::int64_t value = 0;
    friend constexpr auto operator<=>(Ticks, Ticks) = default;
};

}  // namespace longhaul
