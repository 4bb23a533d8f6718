// A flash spool over a simulated flash, as the suites of tests/port want it.
#pragma once

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "agent/core/flash_spool.hpp"
#include "firmware-sim/sim_flash.hpp"
#include "tests/unit/agent/fixtures.hpp"

namespace longhaul::test {

// The spool is rebuilt in the same memory at each start, as on a device.
template <class TheFlash>
struct FlashSpoolOver {
    explicit FlashSpoolOver(TheFlash flash_in) : flash{std::move(flash_in)} {}

    Status open(const agent::SpoolPolicy& wanted) {
        policy = wanted;
        memory.assign(agent::FlashSpool::memory_bytes(flash.geometry()), std::byte{0xa5});
        spool = std::make_unique<agent::FlashSpool>(flash, policy, entropy, memory);
        return spool->open();
    }

    TheFlash flash;
    agent::SpoolPolicy policy;
    SeededEntropy entropy;
    std::vector<std::byte> memory;
    std::unique_ptr<agent::FlashSpool> spool;
};

template <std::uint32_t sector_bytes, std::uint32_t program_bytes, std::uint32_t data_sectors,
          std::uint32_t sectors = 16>
struct FlashSpoolHarness {
    static constexpr agent::FlashGeometry geometry{sector_bytes, sectors, program_bytes};
    static constexpr std::uint64_t small_bytes = std::uint64_t{data_sectors} * sector_bytes;
    // The neighbours of two blocks up to which a class was sent.
    static constexpr std::size_t undroppable_max = 2 * sector_bytes / 300;
    static constexpr std::size_t block_bytes_max = sector_bytes == 4096 ? 3000 : 16'400;

    FlashSpoolHarness() = default;
    // What a cut left; another one may come, soon after the start.
    FlashSpoolHarness(sim::SimFlash left, const agent::SpoolPolicy& policy,
                      std::uint64_t next_cut = 0, sim::SimFlash::Torn next_torn = {})
        : device{std::move(left)}, next_cut_{next_cut}, next_torn_{next_torn} {
        device.policy = policy;
    }

    agent::Spool& open(const agent::SpoolPolicy& policy) {
        device.policy = policy;
        return *restart();
    }
    agent::Spool* restart() {
        device.flash.power_on();
        if (next_cut_ != 0) device.flash.cut_power_after(next_cut_, next_torn_);
        next_cut_ = 0;
        const Status opened = device.open(device.policy);
        if (device.flash.power_lost()) return restart();
        return opened.ok() ? device.spool.get() : nullptr;
    }
    bool power_lost() const { return device.flash.power_lost(); }

    FlashSpoolOver<sim::SimFlash> device{sim::SimFlash{geometry}};

 private:
    std::uint64_t next_cut_ = 0;
    sim::SimFlash::Torn next_torn_{};
};

inline std::optional<agent::SectorHeader> header_in(sim::SimFlash& flash, std::uint32_t sector) {
    const agent::FlashLayout layout{flash.geometry()};
    for (std::uint32_t copy = 0; copy < 2; ++copy) {
        const std::size_t at = std::size_t{sector} * layout.sector_bytes + layout.header_at(copy);
        agent::SectorHeader header;
        if (agent::read_sector_header(Bytes{flash.image()}.subspan(at, agent::sector_header_bytes),
                                      header))
            return header;
    }
    return std::nullopt;
}

// The sectors of a chain, oldest first.
inline std::vector<std::uint32_t> sectors_of(sim::SimFlash& flash, agent::FlashChain chain) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> found;
    for (std::uint32_t sector = 0; sector < flash.geometry().sectors; ++sector)
        if (const auto header = header_in(flash, sector); header && header->chain == chain)
            found.emplace_back(header->order, sector);
    std::sort(found.begin(), found.end());
    std::vector<std::uint32_t> sectors;
    for (const auto& [order, sector] : found) sectors.push_back(sector);
    return sectors;
}

inline std::vector<std::uint32_t> free_sectors(sim::SimFlash& flash) {
    std::vector<std::uint32_t> sectors;
    for (std::uint32_t sector = 0; sector < flash.geometry().sectors; ++sector)
        if (!header_in(flash, sector)) sectors.push_back(sector);
    return sectors;
}

}  // namespace longhaul::test
