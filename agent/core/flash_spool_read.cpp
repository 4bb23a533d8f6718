// The flash spool looks for blocks, yields them, and notes which are done with.
#include <algorithm>

#include "agent/core/flash_spool.hpp"
#include "common/base/check.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint32_t epochs_counted_max = 32;  // beyond, depth() says how many may wait

}  // namespace

std::optional<std::uint32_t> FlashSpool::next_sector(FlashChain chain, std::uint32_t order,
                                                     Which which) {
    auto sector = sectors_.after(chain, order);
    while (sector && which == Which::waiting && sectors_.at(*sector).waiting == 0)
        sector = sectors_.after(chain, sectors_.at(*sector).order);
    return sector;
}

// The one that `after` would lie in, or the oldest.
std::optional<std::uint32_t> FlashSpool::sector_of(FlashChain chain, const BlockPlace& after,
                                                   Which which) {
    auto sector = next_sector(chain, 0, which);
    while (sector) {
        const auto next = next_sector(chain, sectors_.at(*sector).order, which);
        const auto header = next ? sectors_.header_of(*next) : std::nullopt;
        if (!header || header->first > after) return sector;
        sector = next;
    }
    return sector;
}

std::optional<FlashItem> FlashSpool::find_in(BlockScan& scan, FlashChain chain,
                                             const BlockPlace& after, Which which) {
    FlashItem item;
    while (scan.next(item)) {
        if (item.last <= after) continue;
        if (which == Which::all || !core_.classes[chain].done.contains(item.first, item.last))
            return item;
    }
    return std::nullopt;
}

// The first block behind `after`, or places of blocks that are missing.
std::optional<FlashItem> FlashSpool::find(FlashChain chain, const BlockPlace& after, Which which) {
    Chain& state = chains_[chain];
    std::uint32_t order = 0;
    const auto known =
        std::find_if(state.cursors.begin(), state.cursors.end(), [&](const FlashCursor& cursor) {
            return cursor.sector != no_sector && cursor.place == after;
        });
    if (known != state.cursors.end()) {
        BlockScan scan{sectors_, *known, state.tail};
        if (const auto item = find_in(scan, chain, after, which)) return item;
        order = sectors_.at(known->sector).order;
    } else if (const auto sector = sector_of(chain, after, which)) {
        order = sectors_.at(*sector).order - 1;
    }
    for (auto sector = next_sector(chain, order, which); sector;) {
        order = sectors_.at(*sector).order;
        BlockScan scan{sectors_, *sector, state.tail};
        const bool whole = scan.first() > after;
        if (const auto item = find_in(scan, chain, after, which)) return item;
        if (whole && which == Which::waiting) nothing_waits_in(*sector);
        sector = next_sector(chain, order, which);
    }
    return std::nullopt;
}

// So that what comes behind the item is found at once.
void FlashSpool::remember(FlashChain chain, const BlockPlace& after, const FlashItem& item) {
    Chain& state = chains_[chain];
    auto cursor = std::find_if(state.cursors.begin(), state.cursors.end(),
                               [&](const FlashCursor& each) { return each.place == after; });
    if (cursor == state.cursors.end()) {
        cursor = state.cursors.begin() + static_cast<std::ptrdiff_t>(state.victim);
        state.victim = (state.victim + 1) % state.cursors.size();
    }
    *cursor = {item.record.sector, item.record.end(sectors_.layout()), item.last};
}

void FlashSpool::nothing_waits_in(std::uint32_t sector) {
    FlashSector& entry = sectors_.at(sector);
    Chain& state = chains_[entry.chain];
    state.waiting -= std::min<std::uint32_t>(state.waiting, entry.waiting);
    if (state.waiting == 0) state.bytes_waiting = 0;
    entry.waiting = 0;
}

Result<SpoolBlock> FlashSpool::next(BlockClass block_class, Epoch epoch, BlockSeq after,
                                    MutableBytes room) {
    const auto chain = static_cast<FlashChain>(block_class);
    BlockPlace from{epoch, after.number()};
    while (chains_[chain].waiting != 0) {
        const auto item = find(chain, from, Which::waiting);
        if (!item) break;
        const RecordHeader& header = item->record.header;
        const bool readable = item->missing || is_readable(item->last.epoch, room.size());
        if (!item->missing && (!readable || header.body_bytes > room.size())) {
            LH_TRY(lose_longer(chain, *item, readable ? room.size() : 0));
            continue;
        }
        const MutableBytes sealed = room.first(item->missing ? 0 : header.body_bytes);
        if (!item->missing && read_body(sectors_, item->record, sealed)) {
            remember(chain, from, *item);
            const SpoolTag tag{
                {core_.incarnation, item->last.epoch, BlockSeq::of(block_class, item->last.number)},
                header.samples,
                header.first_us,
                header.last_us,
                header.losses};
            return SpoolBlock{tag, sealed};
        }
        LH_TRY(lose(chain, *item, LossReason::corrupt));
        from = item->last;
    }
    return ErrorCode::not_found;
}

// Without its record and its schemas nobody can read an epoch's blocks.
bool FlashSpool::is_readable(Epoch epoch, std::size_t bytes_max) {
    if (epoch != readable_ && epochs_.is_whole(epoch, bytes_max)) readable_ = epoch;
    return epoch == readable_;
}

// Blocks in a row, of one epoch, that are longer than what anybody will read them into; 0: all.
Status FlashSpool::lose_longer(FlashChain chain, const FlashItem& first, std::size_t bytes_max) {
    PlaceRange range{first.first, first.last};
    std::optional<FlashItem> item = first;
    while (item && item->first.epoch == range.first.epoch &&
           item->last.epoch == range.first.epoch &&
           (bytes_max == 0 || (!item->missing && item->record.header.body_bytes > bytes_max))) {
        list(chain, *item, LossReason::unreadable);
        done_with(chain, *item);
        range.last = item->last;
        item = find(chain, item->last, Which::waiting);
    }
    mark_done(chain, range, first.record.header.before);
    return write_core(FlashState::Copies::both);
}

Status FlashSpool::lose(FlashChain chain, const FlashItem& item, LossReason reason) {
    list(chain, item, reason);
    done_with(chain, item);
    mark_done(chain, {item.first, item.last}, item.record.header.before);
    return write_core(FlashState::Copies::both);
}

void FlashSpool::done_with(FlashChain chain, const FlashItem& item) {
    Chain& state = chains_[chain];
    if (item.record.sector == no_sector) return;
    FlashSector& entry = sectors_.at(item.record.sector);
    if (entry.waiting != 0) {
        --entry.waiting;
        state.waiting -= std::min(state.waiting, std::uint32_t{1});
    }
    state.bytes_waiting -=
        std::min<std::uint64_t>(state.bytes_waiting, item.record.header.body_bytes);
    if (state.waiting == 0) state.bytes_waiting = 0;
}

// Ranges between which nothing waits become one; if there are still too many, the blocks of the
// smallest wait again, of what is durable if there is any.
void FlashSpool::mark_done(FlashChain chain, PlaceRange range, const BlockPlace& before) {
    FlashMarks& done = core_.classes[chain].done;
    core_.epoch_counter = std::max(core_.epoch_counter, range.last.epoch.value);
    done.add(range, before);
    for (std::size_t i = 0; done.overfull() && i + 1 < done.ranges().size();) {
        const auto item = find(chain, done.ranges()[i].last, Which::waiting);
        if (!item || item->first > done.ranges()[i + 1].first) {
            done.join_with_next(i);
        } else {
            ++i;
        }
    }
    if (!done.overfull()) return;
    // What is listed would be found damaged once more.
    wait_again(chain, done.take_smallest([&](const PlaceRange& each) {
        return !core_.losses.has_in(static_cast<BlockClass>(chain), each.first, each.last);
    }));
}

void FlashSpool::wait_again(FlashChain chain, const PlaceRange& range) {
    for (auto sector = sectors_.after(chain, 0); sector;
         sector = sectors_.after(chain, sectors_.at(*sector).order)) {
        BlockScan scan{sectors_, *sector, chains_[chain].tail};
        if (scan.first() > range.last) return;
        FlashItem item;
        while (scan.next(item)) {
            if (item.first < range.first || item.last > range.last) continue;
            ++sectors_.at(*sector).waiting;
            ++chains_[chain].waiting;
            chains_[chain].bytes_waiting += item.record.header.body_bytes;
        }
    }
}

Result<DurableGain> FlashSpool::mark_durable(const SeqRange& range) {
    const auto chain = static_cast<FlashChain>(range.first.block_class());
    const BlockPlace last{range.epoch, range.last.number()};
    const std::uint32_t number = range.first.number();
    BlockPlace from{range.epoch, number == 0 ? 0 : number - 1};
    DurableGain gain;
    PlaceRange marked;
    BlockPlace before;
    bool told = false;
    bool any = false;
    while (chains_[chain].waiting != 0) {
        const auto item = find(chain, from, Which::waiting);
        if (!item || item->last > last) break;
        const RecordHeader& header = item->record.header;
        if (!any) marked.first = item->first;
        if (!any) before = header.before;
        any = true;
        marked.last = item->last;
        if (!item->missing) {
            remember(chain, from, *item);
            ++gain.blocks;
            gain.samples += header.samples;
        }
        told =
            told || core_.losses.is_carrier_in(range.first.block_class(), item->first, item->last);
        done_with(chain, *item);
        from = item->last;
    }
    if (!any) return gain;
    if (told) core_.losses.forget_told();
    mark_done(chain, marked, before);
    LH_TRY(write_core(FlashState::Copies::one));
    LH_TRY(keep_spare());
    return gain;
}

// Sectors that are gone from between others are listed, or have reached a collector.
void FlashSpool::keep_gaps_done(FlashChain chain) {
    BlockPlace last;
    for (auto sector = sectors_.after(chain, 0); sector;
         sector = sectors_.after(chain, sectors_.at(*sector).order)) {
        const auto header = sectors_.header_of(*sector);
        if (header && last.epoch.value != 0 && header->before > last)
            mark_done(chain, {{last.epoch, last.number + 1}, header->before}, {});
        const Survey found = survey(chain, *sector);
        last = std::max(last, found.last.header.place);
        RecordHeader summary;
        if (read_summary(sectors_, *sector, summary)) last = std::max(last, summary.place);
    }
}

Status FlashSpool::void_durable() {
    for (FlashChain chain = 0; chain < block_class_count; ++chain) {
        core_.classes[chain].done.clear();
        keep_gaps_done(chain);
        Chain& state = chains_[chain];
        state.waiting = 0;
        state.bytes_waiting = 0;
        for (auto sector = sectors_.after(chain, 0); sector;
             sector = sectors_.after(chain, sectors_.at(*sector).order)) {
            const Survey found = survey(chain, *sector);
            sectors_.at(*sector).waiting = static_cast<std::uint16_t>(found.waiting);
            state.waiting += found.waiting;
            state.bytes_waiting += found.bytes_waiting;
        }
    }
    return write_core(FlashState::Copies::both);
}

std::optional<BlockPlace> FlashSpool::newest_waiting(FlashChain chain) {
    std::optional<std::uint32_t> newest;
    for (auto sector = next_sector(chain, 0, Which::waiting); sector;
         sector = next_sector(chain, sectors_.at(*sector).order, Which::waiting))
        newest = sector;
    if (!newest) return std::nullopt;
    std::optional<BlockPlace> place;
    BlockScan scan{sectors_, *newest, chains_[chain].tail};
    FlashItem item;
    while (scan.next(item))
        if (!core_.classes[chain].done.contains(item.first, item.last)) place = item.last;
    return place;
}

// The first epoch after that one in which a block waits; 0: none.
Epoch FlashSpool::next_waiting_epoch(Epoch after) {
    Epoch epoch;
    for (FlashChain chain = 0; chain < block_class_count; ++chain) {
        if (chains_[chain].waiting == 0) continue;
        const auto item = find(chain, {after, UINT32_MAX}, Which::waiting);
        if (item && (epoch.value == 0 || item->last.epoch < epoch)) epoch = item->last.epoch;
    }
    return epoch;
}

Result<SpoolDepth> FlashSpool::depth() {
    SpoolDepth depth;
    std::uint32_t waiting = 0;
    for (FlashChain chain = 0; chain < block_class_count; ++chain) {
        if (chains_[chain].waiting == 0) continue;
        const auto oldest = find(chain, {}, Which::waiting);
        const auto newest = newest_waiting(chain);
        if (!oldest || !newest) continue;
        depth.waiting[chain] = chains_[chain].waiting;
        depth.bytes_waiting += chains_[chain].bytes_waiting;
        waiting += chains_[chain].waiting;
        if (depth.oldest_epoch.value == 0 || oldest->first.epoch < depth.oldest_epoch)
            depth.oldest_epoch = oldest->first.epoch;
        depth.newest_epoch = std::max(depth.newest_epoch, newest->epoch);
    }
    if (waiting == 0) return depth;
    for (Epoch epoch = next_waiting_epoch({}); epoch.value != 0; epoch = next_waiting_epoch(epoch))
        if (++depth.epochs == epochs_counted_max) break;
    if (depth.epochs == epochs_counted_max)
        depth.epochs = std::min(waiting, depth.newest_epoch.value - depth.oldest_epoch.value + 1);
    return depth;
}

Result<std::size_t> FlashSpool::waiting_schemas(std::span<SchemaHash> out) {
    std::size_t count = 0;
    Epoch epoch;
    while (count < out.size()) {
        epoch = next_waiting_epoch(epoch);
        if (epoch.value == 0) return count;
        std::array<SchemaHash, limits::streams_max> hashes;
        const auto needed = epochs_.schemas_of(epoch, hashes);
        for (std::size_t i = 0; needed.ok() && i < needed.value() && count < out.size(); ++i) {
            const auto known = out.begin() + static_cast<std::ptrdiff_t>(count);
            if (std::find(out.begin(), known, hashes[i]) == known) out[count++] = hashes[i];
        }
    }
    return count;
}

}  // namespace longhaul::agent
