// Random numbers of a simulated world. Every part has a generator of its own, made of the world's
// seed and the part's name, so that a part that draws more changes no other one.
//
// The distributions are ours, in integers: the same numbers come from every compiler and library.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/bytes.hpp"

namespace longhaul::sim {

class Random {
 public:
    Random(std::uint64_t seed, std::string_view name) : state_{seed} {
        for (const char each : name) state_ = mix(state_ ^ static_cast<std::uint8_t>(each));
        state_ = mix(state_ + name.size());
    }

    std::uint64_t next() { return mix(state_ += step); }
    // 0 to bound - 1.
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
    }
    bool one_in(std::uint64_t bound) { return below(bound) == 0; }
    bool permille(std::uint64_t of_1000) { return below(1000) < of_1000; }
    void fill(MutableBytes room) {
        for (std::byte& each : room) each = static_cast<std::byte>(next() >> 32);
    }

 private:
    static constexpr std::uint64_t step = 0x9e37'79b9'7f4a'7c15;
    static constexpr std::uint64_t mix(std::uint64_t z) {
        z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
        z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
        return z ^ (z >> 31);
    }

    std::uint64_t state_;
};

}  // namespace longhaul::sim
