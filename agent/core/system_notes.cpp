#include "agent/core/system_notes.hpp"

#include "common/block/epoch.hpp"

namespace longhaul::agent {
namespace {

longhaul_AnchorSource source_of(const WallReading& wall) {
    if (wall.from_collector) return longhaul_AnchorSource_ANCHOR_SOURCE_COLLECTOR;
    return wall.synchronized ? longhaul_AnchorSource_ANCHOR_SOURCE_SYNCHRONIZED_CLOCK
                             : longhaul_AnchorSource_ANCHOR_SOURCE_CLOCK;
}

}  // namespace

bool SystemNotes::add(const longhaul_SystemEntry& entry) {
    ByteWriter out{room_.subspan(used_)};
    if (!write_system_entry(entry, out).ok()) return false;
    used_ += out.size();
    ++count_;
    return true;
}

bool SystemNotes::add_anchor(std::int64_t elapsed_us, const WallReading& wall) {
    longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
    entry.which_entry = longhaul_SystemEntry_anchor_tag;
    entry.entry.anchor.elapsed_us = elapsed_us;
    entry.entry.anchor.wall_us = wall.now.value;
    entry.entry.anchor.error_us = wall.error_us + 1000;
    entry.entry.anchor.source = source_of(wall);
    return add(entry);
}

std::size_t SystemNotes::add_losses(std::span<const Loss> losses) {
    std::size_t added = 0;
    for (const Loss& loss : losses) {
        longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
        entry.which_entry = longhaul_SystemEntry_loss_tag;
        longhaul_Loss& told = entry.entry.loss;
        told.reason = static_cast<std::uint32_t>(loss.reason);
        if (loss.first.epoch.value != 0) {
            told.epoch = loss.first.epoch.value;
            told.first_seq = BlockSeq::of(loss.block_class, loss.first.number).value;
            told.last_seq = BlockSeq::of(loss.block_class, loss.last.number).value;
            if (loss.last.epoch != loss.first.epoch) told.last_epoch = loss.last.epoch.value;
            told.samples = loss.samples;
            told.from_us = loss.from_us;
            told.to_us = loss.to_us;
        }
        if (!add(entry)) break;
        ++added;
    }
    return added;
}

}  // namespace longhaul::agent
