// The clock of a platform, and agent/port/entropy.hpp
#include <algorithm>
#include <array>
#include <bit>

#include "tests/port/board/contract.hpp"

namespace longhaul::port {
namespace {

constexpr std::size_t draws = 16;
using Draw = std::array<std::byte, 32>;

// In 4,096 bits that are random 1,750 to 2,346 are ones, but for once in 10^20.
bool looks_random(const std::array<Draw, draws>& drawn) {
    int ones = 0;
    for (std::size_t i = 0; i < draws; ++i) {
        for (const std::byte each : drawn[i])
            ones += std::popcount(std::to_integer<unsigned>(each));
        if (std::find(drawn.begin(), drawn.begin() + static_cast<std::ptrdiff_t>(i), drawn[i]) !=
            drawn.begin() + static_cast<std::ptrdiff_t>(i))
            return false;
    }
    return 1750 <= ones && ones <= 2346;
}

}  // namespace

void check_clock(const Pace& pace, Contract& contract) {
    contract.begin("clock");
    bool steps_back = false;
    MonotonicMs last = pace.now();
    const MonotonicMs began = last;
    for (int i = 0; i < 100'000; ++i) {
        const MonotonicMs now = pace.now();
        steps_back = steps_back || now < last;
        last = now;
    }
    contract.check(!steps_back, "it never steps back, in 100,000 readings");
    std::array<std::int64_t, 101> waited;
    for (std::int64_t& each : waited) {
        const MonotonicMs before = pace.now();
        pace.wait();
        each = pace.now() - before;
    }
    std::sort(waited.begin(), waited.end());
    contract.check(waited[waited.size() / 2] <= 2, "it waits a millisecond at most, as a rule");
    for (int i = 0; i < 1000 && pace.now() == began; ++i) pace.wait();
    contract.check(pace.now() > began, "it goes on");
}

void check_entropy(agent::Entropy& entropy, Contract& contract) {
    contract.begin("entropy");
    std::array<Draw, draws> drawn{};
    bool filled = true;
    for (Draw& each : drawn) filled = filled && entropy.fill(each).ok();
    contract.check(filled, "it gives 512 bytes when asked");
    contract.check(looks_random(drawn), "no two draws are alike, and half of their bits are ones");
}

}  // namespace longhaul::port
