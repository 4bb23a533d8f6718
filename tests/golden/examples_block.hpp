// The block of the golden files: two entries of the system stream and two sections of samples.
#pragma once

#include "common/block/block.hpp"
#include "tests/golden/examples_epoch.hpp"

namespace longhaul::test {

inline constexpr BlockName example_block_name{
    {0x01020304}, {3}, BlockSeq::of(BlockClass::normal, 9)};
inline constexpr std::uint16_t example_block_samples = 14;

inline longhaul_SystemEntry example_anchor() {
    longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
    entry.which_entry = longhaul_SystemEntry_anchor_tag;
    entry.entry.anchor = {5'000'000, 1'700'000'000'000'000, 2000,
                          longhaul_AnchorSource_ANCHOR_SOURCE_UNKNOWN};
    return entry;
}

inline longhaul_SystemEntry example_loss() {
    longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
    entry.which_entry = longhaul_SystemEntry_loss_tag;
    entry.entry.loss = {2,
                        0x8000'0003,
                        0x8000'0005,
                        700,
                        longhaul_LossReason_LOSS_REASON_FULL,
                        1'000'000,
                        9'000'000,
                        0};
    return entry;
}

// What else a device may say about itself.
inline std::array<longhaul_SystemEntry, 3> example_system_entries() {
    std::array<longhaul_SystemEntry, 3> entries;
    entries.fill(longhaul_SystemEntry_init_zero);
    entries[0].which_entry = longhaul_SystemEntry_anchor_tag;
    entries[0].entry.anchor = {7'000'000, 1'700'000'100'000'000, 21'000,
                               longhaul_AnchorSource_ANCHOR_SOURCE_COLLECTOR};
    entries[1].which_entry = longhaul_SystemEntry_loss_tag;
    entries[1].entry.loss = {2,
                             0xc000'0007,
                             0xc000'0002,
                             512,
                             longhaul_LossReason_LOSS_REASON_FULL,
                             40'000'000,
                             3'000'000,
                             4};
    entries[2].which_entry = longhaul_SystemEntry_loss_tag;
    entries[2].entry.loss.reason = longhaul_LossReason_LOSS_REASON_UNREADABLE;
    return entries;
}

}  // namespace longhaul::test
