#include "agent/core/flash_spool.hpp"

#include <algorithm>

#include "agent/core/cut_before.hpp"
#include "agent/core/epoch_maker.hpp"
#include "agent/core/memory.hpp"

namespace longhaul::agent {
namespace {

std::span<FlashSector> table_in(MutableBytes memory, const FlashGeometry& geometry) {
    return Memory{memory}.take<FlashSector>(geometry.sectors);
}

FlashChain chain_of(const SpoolTag& tag) {
    return static_cast<FlashChain>(tag.name.seq.block_class());
}

RecordHeader header_of(const SpoolTag& tag) {
    RecordHeader header;
    header.key = chain_of(tag);
    header.samples = tag.samples;
    header.losses = tag.losses;
    header.place = place_of(tag.name);
    header.first_us = tag.first_us;
    header.last_us = tag.last_us;
    return header;
}

}  // namespace

std::size_t FlashSpool::memory_bytes(const FlashGeometry& geometry) {
    return FlashCore::stored_bytes_max + Memory::bytes_for<FlashSector>(geometry.sectors);
}

std::size_t FlashSpool::block_bytes_max(const FlashGeometry& geometry) {
    const FlashLayout layout{geometry};
    return std::min<std::size_t>(UINT16_MAX, layout.capacity() - layout.record_bytes(0));
}

FlashSpool::FlashSpool(Flash& flash, const SpoolPolicy& policy, Entropy& entropy,
                       MutableBytes memory)
    : policy_{policy},
      entropy_{entropy},
      sectors_{flash, table_in(memory.subspan(FlashCore::stored_bytes_max), flash.geometry())},
      state_{sectors_, memory.first(FlashCore::stored_bytes_max), *this},
      epochs_{sectors_} {}

Status FlashSpool::write_core(FlashState::Copies copies) {
    core_due_ = !mounted_;
    if (!mounted_) return {};
    list_cuts_before_lost();
    stored_moved_ = false;
    core_.order_max = std::max(core_.order_max, sectors_.order_max);
    return state_.write_core(core_, copies);
}

Result<Epoch> FlashSpool::begin_epoch() {
    if (core_.epoch_counter == UINT32_MAX) return Error{ErrorCode::full, "no epoch is left"};
    ++core_.epoch_counter;
    sectors_.epoch_counter = core_.epoch_counter;
    LH_TRY(write_core(FlashState::Copies::both));
    LH_TRY(keep_spare());
    return Epoch{core_.epoch_counter};
}

Status FlashSpool::store_schema(const SchemaHash& hash, Bytes encoded) {
    return epochs_.store_schema(hash, encoded, *this);
}

Status FlashSpool::store_epoch(Epoch epoch, Bytes signed_epoch,
                               std::span<const SchemaHash> schemas) {
    return epochs_.store_epoch(epoch, signed_epoch, schemas, *this);
}

Result<Bytes> FlashSpool::read_schema(const SchemaHash& hash, MutableBytes room) {
    return epochs_.read_schema(hash, room);
}

Result<Bytes> FlashSpool::read_epoch(Epoch epoch, MutableBytes room) {
    return epochs_.read_epoch(epoch, room);
}

Result<std::size_t> FlashSpool::epoch_schemas(Epoch epoch, std::span<SchemaHash> out) {
    return epochs_.schemas_of(epoch, out);
}

Status FlashSpool::put_state(std::uint8_t key, Bytes value) {
    if (value.size() > state_bytes_max) return ErrorCode::too_large;
    // Nobody else will say up to where an epoch was stored that ended cleanly.
    if (key == state_clean_epochs && stored_moved_) LH_TRY(write_core(FlashState::Copies::both));
    LH_TRY(state_.put(key, value, core_));
    return keep_spare();
}

Result<Bytes> FlashSpool::read_state(std::uint8_t key, MutableBytes room) {
    return state_.read(key, room);
}

Result<Appended> FlashSpool::append(std::span<const SpoolBlock> blocks, const SentMarks& sent) {
    Appended appended;
    for (const SpoolBlock& block : blocks) {
        const auto taken = append_one(block, sent);
        const bool first = appended.stored == 0;
        if (!taken.ok() && first) return taken.error();
        if (!taken.ok()) return appended;
        if (taken.value() == Taken::full && first)
            return Error{ErrorCode::full, "the spool is full"};
        appended.next_dropped = taken.value() == Taken::dropped;
        if (taken.value() != Taken::stored) return appended;
        ++appended.stored;
    }
    return appended;
}

Result<FlashSpool::Taken> FlashSpool::append_one(const SpoolBlock& block, const SentMarks& sent) {
    const SpoolTag& tag = block.tag;
    const FlashLayout& layout = sectors_.layout();
    if (block.sealed.size() > UINT16_MAX ||
        layout.record_bytes(block.sealed.size()) > layout.capacity())
        return Error{ErrorCode::too_large, "the block is larger than a flash sector"};
    const BlockPlace place = place_of(tag.name);
    if (place <= core_.classes[chain_of(tag)].stored) return ErrorCode::out_of_order;
    // What goes to make room for a carrier is not told by it.
    if (tag.losses != 0) core_.losses.tell(tag.losses, tag.name.seq.block_class(), place);
    const Result<Taken> taken = store(block, sent);
    const bool stored = taken.ok() && taken.value() == Taken::stored;
    if (tag.losses != 0 && !stored) core_.losses.tell_again();
    if (stored) LH_TRY(note_stored(block));
    if (taken.ok() && taken.value() == Taken::dropped) LH_TRY(note_dropped(tag));
    return taken;
}

Result<FlashSpool::Taken> FlashSpool::store(const SpoolBlock& block, const SentMarks& sent) {
    const SpoolTag& tag = block.tag;
    const FlashChain chain = chain_of(tag);
    for (std::uint32_t attempt = 0; attempt < sectors_.count(); ++attempt) {
        if (!chains_[chain].tail.fits(sectors_.layout(), block.sealed.size())) {
            LH_TRY_ASSIGN(const Room room, make_room(tag, sent));
            if (room == Room::stop) return Taken::full;
            if (room == Room::drop_new) return Taken::dropped;
        }
        RecordHeader header = header_of(tag);
        header.before = core_.classes[chain].stored;
        if (append_record(sectors_, chains_[chain].tail, header, std::span{&block.sealed, 1}).ok())
            return Taken::stored;
        close_sector(chain);
    }
    return ErrorCode::io;
}

Status FlashSpool::note_dropped(const SpoolTag& tag) {
    FlashItem item;
    item.record.header = header_of(tag);
    item.first = item.last = place_of(tag.name);
    note_number(tag);
    list(chain_of(tag), item, LossReason::full);
    return write_core(FlashState::Copies::both);
}

Status FlashSpool::note_stored(const SpoolBlock& block) {
    Chain& chain = chains_[chain_of(block.tag)];
    const BlockPlace place = place_of(block.tag.name);
    ++sectors_.at(chain.tail.sector).waiting;
    ++chain.waiting;
    ++chain.blocks;
    chain.bytes += block.sealed.size();
    chain.bytes_waiting += block.sealed.size();
    chain.newest = place;
    bytes_stored_ += block.sealed.size();
    note_number(block.tag);
    core_.classes[chain_of(block.tag)].stored = place;
    stored_moved_ = true;
    if (block.tag.losses == 0) return {};
    return write_core(FlashState::Copies::both);
}

void FlashSpool::note_number(const SpoolTag& tag) {
    core_.epoch_counter = std::max(core_.epoch_counter, tag.name.epoch.value);
    if (tag.name.epoch > core_.newest_epoch) {
        core_.newest_epoch = tag.name.epoch;
        for (FlashCoreClass& each : core_.classes) {
            each.last_number = 0;
            each.last_us = 0;
        }
    }
    if (tag.name.epoch < core_.newest_epoch) return;
    core_.classes[chain_of(tag)].last_number = tag.name.seq.number();
    core_.classes[chain_of(tag)].last_us = tag.last_us;
}

// What a carrier told has to be told again when it is lost itself.
void FlashSpool::list(FlashChain chain, const FlashItem& item, LossReason reason) {
    const auto block_class = static_cast<BlockClass>(chain);
    const RecordHeader& header = item.record.header;
    if (lost_from_.value == 0 || item.first.epoch < lost_from_) lost_from_ = item.first.epoch;
    lost_to_ = std::max(lost_to_, item.last.epoch);
    // What is damaged is found again when the marks had no room for it.
    if (reason != LossReason::full && core_.losses.has(block_class, item.first, item.last)) return;
    if (core_.losses.is_carrier_in(block_class, item.first, item.last)) core_.losses.tell_again();
    core_.losses.add({block_class, reason, item.first, item.last, header.samples, header.first_us,
                      header.last_us});
}

// Before the core with the list: of an epoch that lost something and of which nothing waits any
// more the record may never be sent. If it was, the collector knows, and writes no row twice.
void FlashSpool::list_cuts_before_lost() {
    if (lost_from_.value == 0) return;
    for (Epoch epoch = epochs_.next_epoch({lost_from_.value - 1});
         epoch.value != 0 && epoch <= lost_to_; epoch = epochs_.next_epoch(epoch)) {
        if (has_blocks(epoch, Which::waiting)) continue;
        const auto before = epochs_.before(epoch);
        if (before.ok()) list_cut_before(before.value(), core_.losses);
    }
    lost_from_ = lost_to_ = {};
}

SpoolWear FlashSpool::wear() {
    SpoolWear wear;
    wear.bytes_stored = bytes_stored_;
    wear.bytes_written = sectors_.counts.bytes_written;
    wear.sectors = sectors_.count();
    wear.sectors_bad = sectors_.count() - sectors_.usable();
    wear.erases_min = UINT32_MAX;
    for (std::uint32_t sector = 0; sector < sectors_.count(); ++sector) {
        const std::uint32_t erases = sectors_.at(sector).erases;
        wear.erases += erases;
        wear.erases_min = std::min(wear.erases_min, erases);
        wear.erases_max = std::max(wear.erases_max, erases);
    }
    return wear;
}

}  // namespace longhaul::agent
