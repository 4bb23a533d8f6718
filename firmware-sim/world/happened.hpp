// What a world did in a run, by name: for reports, and for scenarios that have to show that their
// faults came. docs/simulator.md lists them.
#pragma once

#include <cstdint>
#include <span>

namespace longhaul::sim {

struct Report;

struct Happened {
    const char* name;
    std::uint64_t (*count)(const Report&);
};
std::span<const Happened> all_happened();

}  // namespace longhaul::sim
