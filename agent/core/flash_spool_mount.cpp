// The flash spool opens: what lies on the flash becomes the picture in memory.
#include <algorithm>

#include "agent/core/flash_spool.hpp"

namespace longhaul::agent {
namespace {

// More boots than that nobody has missed.
constexpr std::uint32_t epochs_skipped = 65'536;
// Of orders, epochs and serials. No flash lives to see a higher one.
constexpr std::uint32_t number_max = UINT32_MAX - 65'536;

}  // namespace

// Chains are walked by looking through all sectors; a lane holds a core and all values.
Status FlashSpool::check_geometry() const {
    const FlashLayout& layout = sectors_.layout();
    if (layout.sectors > sectors_max)
        return Error{ErrorCode::too_large, "more than 1024 flash sectors: take larger ones"};
    std::uint32_t state = layout.record_bytes(FlashCore::stored_bytes_max);
    for (const std::uint16_t bytes : values_min) state += layout.record_bytes(bytes);
    if (state > layout.capacity())
        return Error{ErrorCode::too_large,
                     "flash sectors too small for the state: take larger ones"};
    return {};
}

// Nothing is written before all is known: what is found missing is found again after a power cut.
Status FlashSpool::open() {
    LH_TRY(check_geometry());
    LH_TRY(load());
    if (std::max({sectors_.order_max, core_.epoch_counter, state_.serial()}) > number_max)
        LH_TRY(start_anew());
    previous_end_.epoch = core_.newest_epoch;
    for (std::size_t c = 0; c < block_class_count; ++c) {
        previous_end_.last_number[c] = core_.classes[c].last_number;
        previous_end_.last_us[c] = core_.classes[c].last_us;
    }
    mounted_ = true;
    list_cuts_before_lost();
    LH_TRY(state_.open(core_));
    if (core_due_) LH_TRY(write_core(FlashState::Copies::both));
    LH_TRY(keep_spare());
    policy_.bytes_max = std::uint64_t{data_sectors()} * sectors_.layout().sector_bytes;
    return {};
}

Status FlashSpool::load() {
    sectors_.open();
    LH_TRY(load_core(entropy_));
    epochs_.open();
    for (FlashChain chain = 0; chain < block_class_count; ++chain) LH_TRY(load_class(chain));
    LH_TRY(forget_carrier_that_never_came());
    core_.epoch_counter = std::max(core_.epoch_counter, core_.newest_epoch.value);
    sectors_.epoch_counter = core_.epoch_counter;
    return {};
}

// Soon no number is left to give: somebody wrote a high one.
Status FlashSpool::start_anew() {
    for (std::uint32_t sector = 0; sector < sectors_.count(); ++sector)
        if (sectors_.header_of(sector)) (void)sectors_.free(sector);
    sectors_.order_max = sectors_.epoch_counter = 0;
    core_ = {};
    LH_TRY(load());
    Loss unknown;
    unknown.reason = LossReason::unreadable;
    core_.losses.add(unknown);
    return write_core(FlashState::Copies::both);
}

Status FlashSpool::load_core(Entropy& entropy) {
    const bool found = state_.load(core_).ok();
    const bool spool_was_here = sectors_.order_max != 0;
    if (!found && !spool_was_here) {
        std::array<std::byte, 4> random;
        LH_TRY(entropy.fill(random));
        sectors_.incarnation = core_.incarnation = {ByteReader{random}.u32()};
        return {};
    }
    if (!found) {
        // Nobody knows what was done with and what was lost.
        core_.incarnation = sectors_.incarnation;
        bool had_blocks = false;
        for (FlashChain chain = 0; chain <= chain_epochs; ++chain)
            had_blocks = had_blocks || sectors_.length(chain) != 0;
        if (had_blocks)
            core_.epoch_counter = sectors_.epoch_counter +
                                  std::min(epochs_skipped, UINT32_MAX - sectors_.epoch_counter);
        Loss unknown;
        unknown.reason = LossReason::unreadable;
        if (had_blocks) core_.losses.add(unknown);
    }
    sectors_.keep_only(core_.incarnation);
    sectors_.order_max = std::max(sectors_.order_max, core_.order_max);
    core_.epoch_counter = std::max(core_.epoch_counter, sectors_.epoch_counter);
    sectors_.epoch_counter = core_.epoch_counter;
    LH_TRY(finish_freeing());
    return found ? Status{} : write_core(FlashState::Copies::both);
}

Status FlashSpool::finish_freeing() {
    for (std::uint32_t sector = 0; sector < sectors_.count(); ++sector) {
        const std::uint32_t order = sectors_.at(sector).order;
        if (order == 0) continue;
        if (core_.has_given_up(order)) {
            sectors_.set_aside(sector);
        } else if (order == core_.freeing && !sectors_.free(sector).ok()) {
            core_.give_up(order);
        }
    }
    return {};
}

Status FlashSpool::load_class(FlashChain chain) {
    chains_[chain] = {};
    Survey newest;
    BlockPlace last;
    for (auto sector = sectors_.after(chain, 0); sector;
         sector = sectors_.after(chain, sectors_.at(*sector).order)) {
        const auto header = sectors_.header_of(*sector);
        if (header && last.epoch.value == 0) LH_TRY(list_lost_front(chain, header->before));
        if (header && last.epoch.value != 0 && header->before > last) {
            // A whole sector is not there any more.
            FlashItem gap;
            gap.first = {last.epoch, last.number + 1};
            gap.last = last = header->before;
            gap.missing = true;
            if (!core_.classes[chain].done.contains(gap.first, gap.last))
                LH_TRY(lose(chain, gap, LossReason::unreadable));
        }
        load_sector(chain, *sector, newest, last);
    }
    load_tail(chain, newest);
    LH_TRY(note_carrier(newest));
    note_newest(newest, chain);
    return list_lost_tail(chain, last);
}

// What went before the chain's first block has to be what was freed.
Status FlashSpool::list_lost_front(FlashChain chain, const BlockPlace& last) {
    FlashCoreClass& known = core_.classes[chain];
    if (known.freed.epoch.value == 0 || last <= known.freed) return {};
    FlashItem gap;
    gap.missing = true;
    gap.first = {known.freed.epoch, known.freed.number + 1};
    gap.last = known.freed = last;
    if (known.done.contains(gap.first, gap.last)) return {};
    list(chain, gap, LossReason::unreadable);
    return write_core(FlashState::Copies::both);
}

// The newest two are read record by record: the newest may be empty.
void FlashSpool::load_sector(FlashChain chain, std::uint32_t sector, Survey& newest,
                             BlockPlace& last) {
    const auto next = sectors_.after(chain, sectors_.at(sector).order);
    const bool early = next && sectors_.after(chain, sectors_.at(*next).order);
    if (early && count_by_summary(chain, sector, last)) return;
    const Survey found = survey(chain, sector);
    sectors_.at(sector).waiting = static_cast<std::uint16_t>(found.waiting);
    chains_[chain].waiting += found.waiting;
    chains_[chain].bytes_waiting += found.bytes_waiting;
    last = std::max(last, found.last.header.place);
    RecordHeader summary;
    const bool closed = read_summary(sectors_, sector, summary);
    if (closed) last = std::max(last, summary.place);
    if (found.blocks != 0) newest.last = found.last;
    newest.blocks = found.blocks;
    newest.bytes = found.bytes;
    // Nor does one take records whose summary was torn.
    const std::uint32_t at = sectors_.layout().summary_at();
    const bool open = sectors_.blank_from(sector, at, sectors_.layout().sector_bytes) == at;
    newest.end = open ? found.end : 0;
}

bool FlashSpool::count_by_summary(FlashChain chain, std::uint32_t sector, BlockPlace& last) {
    RecordHeader summary;
    const auto header = sectors_.header_of(sector);
    if (!header || !read_summary(sectors_, sector, summary)) return false;
    const FlashMarks& done = core_.classes[chain].done;
    last = std::max(last, summary.place);
    if (done.divides(header->first, summary.place)) return false;
    if (done.contains(header->first, summary.place)) return true;
    sectors_.at(sector).waiting = static_cast<std::uint16_t>(summary.first_us);
    chains_[chain].waiting += sectors_.at(sector).waiting;
    chains_[chain].bytes_waiting += static_cast<std::uint64_t>(summary.last_us);
    return true;
}

// Whatever a cut left behind the last record is not written over.
void FlashSpool::load_tail(FlashChain chain, const Survey& newest) {
    const auto sector = sectors_.newest(chain);
    if (!sector || newest.end == 0) return;
    const std::uint32_t end = sectors_.layout().summary_at();
    chains_[chain].tail = {*sector, sectors_.blank_from(*sector, newest.end, end)};
    chains_[chain].blocks = newest.blocks;
    chains_[chain].bytes = newest.bytes;
    if (newest.blocks != 0) chains_[chain].newest = newest.last.header.place;
}

// The core knows of a block that is not at the end of the chain any more.
Status FlashSpool::list_lost_tail(FlashChain chain, const BlockPlace& last) {
    FlashCoreClass& known = core_.classes[chain];
    const BlockPlace expected = known.stored;
    known.stored = last;
    core_.epoch_counter = std::max(core_.epoch_counter, last.epoch.value);
    const BlockPlace before = last.epoch.value == 0 ? known.freed : last;
    if (expected <= before) return {};
    FlashItem gap;
    gap.missing = true;
    gap.first = before.epoch.value == 0 ? expected : BlockPlace{before.epoch, before.number + 1};
    gap.last = expected;
    if (known.done.contains(gap.first, gap.last)) return {};
    return lose(chain, gap, LossReason::corrupt);
}

// A carrier is committed with its block; that core may not have been written any more.
Status FlashSpool::note_carrier(const Survey& newest) {
    const RecordHeader& last = newest.last.header;
    if (last.losses == 0 || last.place <= core_.classes[last.key].stored ||
        core_.classes[last.key].done.contains(last.place) ||
        last.losses > core_.losses.to_tell().size())
        return {};
    core_.losses.tell(last.losses, static_cast<BlockClass>(last.key), last.place);
    core_.classes[last.key].stored = last.place;
    return write_core(FlashState::Copies::both);
}

// Room was made for a carrier, and power cut before it was written.
Status FlashSpool::forget_carrier_that_never_came() {
    const auto chain = static_cast<FlashChain>(core_.losses.carrier_class());
    if (core_.losses.told() == 0 || core_.losses.carrier() <= core_.classes[chain].stored)
        return {};
    core_.losses.tell_again();
    return write_core(FlashState::Copies::both);
}

void FlashSpool::note_newest(const Survey& newest, FlashChain chain) {
    const RecordHeader& last = newest.last.header;
    if (last.place.epoch < core_.newest_epoch || last.place.epoch.value == 0) return;
    SpoolTag tag;
    tag.name = {core_.incarnation, last.place.epoch,
                BlockSeq::of(static_cast<BlockClass>(chain), last.place.number)};
    tag.last_us = last.last_us;
    if (last.place.epoch > core_.newest_epoch ||
        last.place.number > core_.classes[chain].last_number)
        note_number(tag);
}

FlashSpool::Survey FlashSpool::survey(FlashChain chain, std::uint32_t sector) {
    Survey found;
    BlockScan scan{sectors_, sector, chains_[chain].tail};
    FlashItem item;
    while (scan.next(item)) {
        const std::uint16_t bytes = item.record.header.body_bytes;
        if (!item.missing) {
            ++found.blocks;
            found.bytes += bytes;
            found.last = item.record;
        }
        if (core_.classes[chain].done.contains(item.first, item.last)) continue;
        ++found.waiting;
        found.bytes_waiting += bytes;
    }
    found.end = scan.end();
    return found;
}

}  // namespace longhaul::agent
