// agent/port/flash.hpp
#include <algorithm>
#include <array>
#include <bit>

#include "tests/port/board/contract.hpp"

namespace longhaul::port {
namespace {

constexpr std::uint32_t step_bytes = 256;  // the longest unit of a program
using Step = std::array<std::byte, step_bytes>;

std::byte pattern_at(std::uint32_t at) {
    return static_cast<std::byte>(at * 7 + (at >> 8) * 31 + 1);
}

// Whether all of the sector is erased, but for [from, to), which has the pattern.
bool holds_pattern(agent::Flash& flash, std::uint32_t sector, std::uint32_t from,
                   std::uint32_t to) {
    for (std::uint32_t at = 0; at < flash.geometry().sector_bytes; at += step_bytes) {
        Step read;
        if (!flash.read(sector, at, read).ok()) return false;
        for (std::uint32_t i = 0; i < step_bytes; ++i) {
            const bool inside = from <= at + i && at + i < to;
            if (read[i] != (inside ? pattern_at(at + i) : std::byte{0xff})) return false;
        }
    }
    return true;
}

// The pattern over [from, to), in one program.
bool program(agent::Flash& flash, std::uint32_t sector, std::uint32_t from, std::uint32_t to) {
    std::array<std::byte, 3 * step_bytes> bytes;
    for (std::uint32_t at = from; at < to; ++at) bytes[at - from] = pattern_at(at);
    return flash.program(sector, from, Bytes{bytes}.first(to - from)).ok();
}

bool erase_both(agent::Flash& flash, std::uint32_t first) {
    return flash.erase(first).ok() && flash.erase(first + 1).ok() && flash.sync().ok();
}

void check_programs(agent::Flash& flash, std::uint32_t first, Contract& contract) {
    const agent::FlashGeometry geometry = flash.geometry();
    const std::uint32_t end = geometry.sector_bytes;
    contract.check(program(flash, first, 0, geometry.program_bytes) && flash.sync().ok() &&
                       holds_pattern(flash, first, 0, geometry.program_bytes),
                   "the smallest program changes its own bytes only");
    contract.check(program(flash, first, geometry.program_bytes, 2 * step_bytes) &&
                       flash.sync().ok() && holds_pattern(flash, first, 0, 2 * step_bytes),
                   "a program beside it leaves it as it is, also beyond a page");
    contract.check(program(flash, first + 1, end - step_bytes, end) && flash.sync().ok() &&
                       holds_pattern(flash, first + 1, end - step_bytes, end) &&
                       holds_pattern(flash, first, 0, 2 * step_bytes),
                   "a program up to the end of a sector stays in it");
    std::array<std::byte, 77> odd;
    bool right = flash.read(first, 201, odd).ok();
    for (std::uint32_t i = 0; i < odd.size(); ++i) right = right && odd[i] == pattern_at(201 + i);
    contract.check(right, "reads begin and end anywhere");
    contract.check(flash.erase(first).ok() && flash.sync().ok() &&
                       holds_pattern(flash, first, 0, 0) &&
                       holds_pattern(flash, first + 1, end - step_bytes, end),
                   "an erase takes its own sector only, all of it");
}

}  // namespace

void check_flash(agent::Flash& flash, std::uint32_t first, Contract& contract) {
    contract.begin("flash");
    const agent::FlashGeometry geometry = flash.geometry();
    const bool sound = geometry.sector_bytes >= 4096 && first + 1 < geometry.sectors &&
                       std::has_single_bit(geometry.program_bytes) && geometry.program_bytes <= 256;
    contract.check(sound, "sectors of 4 KiB or more, programs of a power of two, 256 at most");
    if (!sound) return;
    contract.check(erase_both(flash, first) && holds_pattern(flash, first, 0, 0) &&
                       holds_pattern(flash, first + 1, 0, 0),
                   "erased bytes are 0xff");
    check_programs(flash, first, contract);
    contract.check(erase_both(flash, first) && program(flash, first, 0, 3 * step_bytes) &&
                       program(flash, first + 1, step_bytes, 2 * step_bytes) && flash.sync().ok(),
                   "a pattern is programmed and synced, to be there after the reset");
}

void check_flash_kept(agent::Flash& flash, std::uint32_t first, Contract& contract) {
    contract.begin("flash");
    contract.check(holds_pattern(flash, first, 0, 3 * step_bytes) &&
                       holds_pattern(flash, first + 1, step_bytes, 2 * step_bytes),
                   "what was programmed before sync is there after the reset");
}

}  // namespace longhaul::port
