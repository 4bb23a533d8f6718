// What a device says about itself in a block: entries of the system stream (docs/spec/block.md), as
// many as there is room for.
#pragma once

#include <span>

#include "agent/core/block_builder.hpp"
#include "agent/core/loss_ledger.hpp"
#include "agent/port/clock.hpp"

namespace longhaul::agent {

class SystemNotes {
 public:
    // A length, the entry's own tag and length, and numbers as long as they can be.
    static constexpr std::size_t entry_bytes_max = 3 + longhaul_SystemEntry_size;
    static constexpr std::size_t bytes_max = (1 + LossLedger::to_tell_max) * entry_bytes_max;
    // What an anchor takes of a block that has no other note.
    static constexpr std::size_t anchor_bytes_max =
        limits::section_header_bytes_max + 3 + longhaul_Anchor_size;

    static_assert(anchor_bytes_max <= BlockBuilder::system_bytes_kept);

    // `room` is for the entries alone and outlives the notes.
    explicit SystemNotes(MutableBytes room) : room_{room} {}

    // `wall` was read at `elapsed_us`, which counts milliseconds. False: there is no room.
    bool add_anchor(std::int64_t elapsed_us, const WallReading& wall);
    // How many of them, from the first one on.
    std::size_t add_losses(std::span<const Loss> losses);

    SystemEntries entries() const { return {count_, room_.first(used_)}; }

 private:
    bool add(const longhaul_SystemEntry& entry);

    MutableBytes room_;
    std::size_t used_ = 0;
    std::uint16_t count_ = 0;
};

}  // namespace longhaul::agent
