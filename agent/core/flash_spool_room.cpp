// The flash spool makes room: what goes when a class needs one more sector.
#include <algorithm>

#include "agent/core/flash_spool.hpp"
#include "common/base/check.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint32_t state_sectors = 2;
constexpr std::uint32_t spare_sectors = 2;  // a lane of the state moves, epochs are collected

}  // namespace

// As many as may hold blocks.
std::uint32_t FlashSpool::data_sectors() const {
    const FlashLayout& layout = sectors_.layout();
    const std::uint32_t others = state_sectors + spare_sectors + FlashEpochs::sectors_max(layout);
    const std::uint32_t usable = sectors_.usable();
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(
        usable - std::min(usable, others), policy_.bytes_max / layout.sector_bytes));
}

SpoolUse FlashSpool::use(const SentMarks& sent) {
    SpoolUse use;
    for (std::uint32_t sector = 0; sector < sectors_.count(); ++sector) {
        const FlashSector& entry = sectors_.at(sector);
        if (entry.chain < block_class_count && entry.waiting != 0)
            use[entry.chain].bytes += sectors_.layout().sector_bytes;
    }
    for (FlashChain chain = 0; chain < block_class_count; ++chain)
        use[chain].droppable = droppable(chain, sent).has_value();
    return use;
}

Result<FlashSpool::Room> FlashSpool::make_room(const SpoolTag& tag, const SentMarks& sent) {
    for (std::uint32_t round = 0; round < 2 * sectors_.count(); ++round) {
        SpoolPolicy policy = policy_;
        policy.bytes_max = std::uint64_t{data_sectors()} * sectors_.layout().sector_bytes;
        const RoomDecision decision = decide_room(policy, use(sent), tag.name.seq.block_class(),
                                                  sectors_.layout().sector_bytes);
        if (decision.kind == RoomDecision::Kind::drop_new) return Room::drop_new;
        if (decision.kind == RoomDecision::Kind::stop) return Room::stop;
        if (decision.kind == RoomDecision::Kind::drop) {
            const auto sector = droppable(static_cast<FlashChain>(decision.from), sent);
            LH_CHECK(sector);
            LH_TRY(drop_sector(*sector));
            continue;
        }
        std::uint32_t used = 0;
        for (FlashChain chain = 0; chain < block_class_count; ++chain)
            used += sectors_.length(chain);
        if (used < data_sectors()) {
            const std::uint32_t usable = sectors_.usable();
            const Status begun = begin_sector(tag);
            if (begun.ok()) return Room::made;
            if (sectors_.usable() == usable) return begun.error();
            continue;
        }
        const auto done = oldest_done();
        if (!done) return Room::stop;
        LH_TRY(free_sector(*done));
    }
    return Room::stop;
}

Status FlashSpool::begin_sector(const SpoolTag& tag) {
    const auto chain = static_cast<FlashChain>(tag.name.seq.block_class());
    const BlockPlace first = place_of(tag.name);
    close_sector(chain);
    core_.epoch_counter = std::max(core_.epoch_counter, first.epoch.value);
    sectors_.epoch_counter = core_.epoch_counter;
    if (!sectors_.after(chain, 0)) {
        core_.classes[chain].freed = {first.epoch, first.number == 0 ? 0 : first.number - 1};
        stored_moved_ = true;
    }
    // So that a sector that is lost is missed at the chain's end, too.
    if (stored_moved_) LH_TRY(write_core(FlashState::Copies::one));
    LH_TRY_ASSIGN(const std::uint32_t sector,
                  sectors_.take(chain, first, core_.classes[chain].stored));
    chains_[chain].tail = {sector, sectors_.layout().records_at()};
    chains_[chain].newest = {};
    chains_[chain].blocks = 0;
    chains_[chain].bytes = 0;
    return {};
}

// The summary saves the mount from reading the sector.
void FlashSpool::close_sector(FlashChain chain) {
    Chain& state = chains_[chain];
    if (state.tail.sector == no_sector) return;
    RecordHeader summary;
    summary.place = state.newest;
    summary.first_us = state.blocks;
    summary.last_us = static_cast<std::int64_t>(state.bytes);
    write_summary(sectors_, state.tail.sector, summary);
    state.tail = {};
}

// The oldest sector with waiting blocks of which none was sent.
std::optional<std::uint32_t> FlashSpool::droppable(FlashChain chain, const SentMarks& sent) {
    if (policy_.classes[chain].when_full != WhenFull::drop_oldest) return std::nullopt;
    for (auto sector = next_sector(chain, 0, Which::waiting); sector;
         sector = next_sector(chain, sectors_.at(*sector).order, Which::waiting))
        if (!was_sent(chain, *sector, sent.classes[chain])) return sector;
    return std::nullopt;
}

bool FlashSpool::was_sent(FlashChain chain, std::uint32_t sector, const SentOfClass& sent) {
    if (sent.backlog == BlockPlace{} && sent.live == BlockPlace{}) return false;
    BlockScan scan{sectors_, sector, chains_[chain].tail};
    FlashItem item;
    while (scan.next(item)) {
        const bool waits = !core_.classes[chain].done.contains(item.first, item.last);
        if (waits && sent.contains(item.last)) return true;
    }
    return false;
}

std::optional<std::uint32_t> FlashSpool::oldest_done() {
    std::optional<std::uint32_t> best;
    for (std::uint32_t sector = 0; sector < sectors_.count(); ++sector) {
        const FlashSector& entry = sectors_.at(sector);
        if (entry.chain >= block_class_count || entry.waiting != 0) continue;
        if (!best || entry.order < sectors_.at(*best).order) best = sector;
    }
    return best;
}

// What may go for what has to move: the lowest class that may drop loses its oldest.
std::optional<std::uint32_t> FlashSpool::expendable() {
    for (FlashChain chain = block_class_count; chain-- > 0;)
        if (const auto sector = droppable(chain, nothing_sent)) return sector;
    return std::nullopt;
}

// Sectors go bad; as many as others need stay free all the same, as far as the policy allows.
Status FlashSpool::keep_spare() {
    for (std::uint32_t round = 0; round < sectors_.count(); ++round) {
        if (sectors_.spare() >= spare_sectors) return {};
        const auto done = oldest_done();
        const auto waiting = done ? std::nullopt : expendable();
        if (!done && !waiting) return {};
        LH_TRY(done ? free_sector(*done) : drop_sector(*waiting));
    }
    return {};
}

void FlashSpool::list_waiting(std::uint32_t sector) {
    const FlashChain chain = sectors_.at(sector).chain;
    BlockScan scan{sectors_, sector, chains_[chain].tail};
    FlashItem item;
    while (scan.next(item)) {
        if (core_.classes[chain].done.contains(item.first, item.last)) continue;
        list(chain, item, item.missing ? LossReason::corrupt : LossReason::full);
        chains_[chain].bytes_waiting -=
            std::min<std::uint64_t>(chains_[chain].bytes_waiting, item.record.header.body_bytes);
    }
    nothing_waits_in(sector);
}

// What waits in it is listed, and the core that frees it holds the list.
Status FlashSpool::drop_sector(std::uint32_t sector) {
    list_waiting(sector);
    return free_sector(sector);
}

// Of chains 0 to 4. A mount that finds the core and the sector erases it.
Status FlashSpool::free_sector(std::uint32_t sector) {
    const std::uint32_t order = sectors_.at(sector).order;
    note_freeing(sector);
    LH_TRY(write_core(FlashState::Copies::both));
    // The state may have needed it already.
    if (sectors_.at(sector).order != order) return {};
    if (erase_sector(sector).ok()) return {};
    core_.freeing = 0;
    return write_core(FlashState::Copies::both);
}

// Error io: it cannot be erased, and is given up.
Status FlashSpool::erase_sector(std::uint32_t sector) {
    const std::uint32_t order = sectors_.at(sector).order;
    const FlashChain chain = sectors_.at(sector).chain;
    const Status freed = sectors_.free(sector);
    if (!freed.ok()) core_.give_up(order);
    if (chain >= block_class_count) return freed;
    const auto oldest = sectors_.after(chain, 0);
    const auto header = oldest ? sectors_.header_of(*oldest) : std::nullopt;
    if (!oldest) core_.classes[chain].done.clear();
    if (header) core_.classes[chain].done.forget_before(header->first);
    return freed;
}

// One that is being freed has left its chain; the core that says so is the one that has no room.
std::optional<std::uint32_t> FlashSpool::leave_done() {
    if (const auto sector = sectors_.with_order(core_.freeing)) return sector;
    const auto sector = oldest_done();
    if (sector) note_freeing(*sector);
    return sector;
}

// The state has to be somewhere: when no class may drop, the lowest loses its oldest.
std::optional<std::uint32_t> FlashSpool::leave_waiting() {
    auto sector = expendable();
    for (FlashChain chain = block_class_count; !sector && chain-- > 0;)
        sector = sectors_.after(chain, 0);
    const bool too_many =
        sectors_.length(chain_epochs) > FlashEpochs::sectors_max(sectors_.layout()) + 1;
    if (!sector && too_many) sector = sectors_.after(chain_epochs, 0);
    if (!sector) return std::nullopt;
    if (sectors_.at(*sector).chain < block_class_count) list_waiting(*sector);
    note_freeing(*sector);
    list_cuts_before_lost();
    return sector;
}

void FlashSpool::note_freeing(std::uint32_t sector) {
    core_.freeing = sectors_.at(sector).order;
    core_.order_max = std::max(core_.order_max, sectors_.order_max);
    if (sectors_.at(sector).chain < block_class_count) leave_chain(sector);
}

// Where blocks are missing that nobody should miss, the core says so: before the first ones, up to
// where; behind the last ones, that there is no last one; between others, that they are done with.
void FlashSpool::leave_chain(std::uint32_t sector) {
    const FlashSector& entry = sectors_.at(sector);
    const FlashChain chain = entry.chain;
    Chain& state = chains_[chain];
    for (FlashCursor& cursor : state.cursors)
        if (cursor.sector == sector) cursor = {};
    FlashCoreClass& known = core_.classes[chain];
    const auto next = sectors_.after(chain, entry.order);
    if (sectors_.after(chain, 0) == sector) {
        const auto header = next ? sectors_.header_of(*next) : std::nullopt;
        known.freed = std::max(known.freed, header ? header->before : known.stored);
    }
    if (!next) {
        known.stored = {};
        if (state.tail.sector == sector) state.tail = {};
        return;
    }
    if (sectors_.after(chain, 0) == sector) return;
    BlockScan scan{sectors_, sector, state.tail};
    PlaceRange range;
    FlashItem item;
    while (scan.next(item)) {
        if (range.first == BlockPlace{}) range.first = item.first;
        range.last = item.last;
    }
    if (range.first != BlockPlace{}) mark_done(chain, range, {});
}

bool FlashSpool::in_use(Epoch epoch) {
    if (epoch >= core_.newest_epoch && (epoch == core_.newest_epoch || epoch == current()))
        return true;
    return has_blocks(epoch, Which::all);
}

bool FlashSpool::has_blocks(Epoch epoch, Which which) {
    for (FlashChain chain = 0; chain < block_class_count; ++chain) {
        const auto item = find(chain, {epoch, 0}, which);
        if (item && item->first.epoch <= epoch) return true;
    }
    return false;
}

// The records of their epochs go with them. Who is about to begin an epoch has sent nothing of it;
// what an earlier one sent may be dropped, and is dropped rather than the new one.
Status FlashSpool::make_room_for_epochs() {
    if (const auto done = oldest_done()) return free_sector(*done);
    if (const auto sector = expendable()) return drop_sector(*sector);
    return Error{ErrorCode::full, "the records of epochs fill the spool"};
}

}  // namespace longhaul::agent
