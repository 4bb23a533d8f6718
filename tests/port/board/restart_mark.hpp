// What is left in the flash before a restart on purpose: the start after it that finds the mark,
// but nothing in memory, knows that memory was lost, and does not take itself for the first one.
#pragma once

#include "agent/port/flash.hpp"
#include "tests/port/board/contract.hpp"

namespace longhaul::port {

struct RestartMark {
    std::uint32_t phase = 0;  // that the start after it should have been; 0: there is no mark
    std::uint32_t times = 0;  // in a row that a restart into this phase was tried
    ContractCounts counts;    // of what was checked before
};

// One that is torn or damaged is none.
RestartMark read_mark(agent::Flash& flash, std::uint32_t sector);
// Whether it can be read back; in place of what was in the sector.
bool write_mark(agent::Flash& flash, std::uint32_t sector, const RestartMark& mark);
bool remove_mark(agent::Flash& flash, std::uint32_t sector);

}  // namespace longhaul::port
