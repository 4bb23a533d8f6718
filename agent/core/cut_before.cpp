#include "agent/core/cut_before.hpp"

namespace longhaul::agent {

void list_cut_before(const longhaul_EpochBefore& before, LossLedger& losses) {
    if (before.previous_epoch == 0 || before.previous_clean) return;
    for (const longhaul_ClassEnd& end :
         std::span{before.previous_ends}.first(before.previous_ends_count)) {
        if (end.last_number >= BlockSeq::number_max) continue;  // there is no place behind it
        const auto block_class = static_cast<BlockClass>(end.block_class);
        const BlockPlace place{{before.previous_epoch}, end.last_number + 1};
        if (losses.has(block_class, place, place)) continue;
        losses.add(
            {block_class, LossReason::power_cut, place, place, 0, end.closing_us, end.closing_us});
    }
}

}  // namespace longhaul::agent
