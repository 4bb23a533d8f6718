// Appending to an SQLite spool, and what has to go for it.
#include <algorithm>

#include "agent/platform/linux/sqlite_spool.hpp"

namespace longhaul::agent {
namespace {

std::uint64_t bytes_of(const SpoolBlock& block) {
    return block.sealed.size() + block_overhead_bytes;
}
RowId row_of(const SpoolBlock& block) {
    return row_id(block.tag.name.seq.block_class(), longhaul::agent::place_of(block.tag.name));
}
std::size_t index_of(RowId id) { return static_cast<std::size_t>(class_of(id)); }

}  // namespace

Result<Appended> SqliteSpool::append(std::span<const SpoolBlock> blocks, const SentMarks& sent) {
    if (blocks.empty()) return Appended{};
    look_for_room_at_times();
    auto first = decide(blocks.front(), sent);
    if (first.ok() && first.value().kind == RoomDecision::Kind::stop &&
        bound_.bytes_max < policy_.bytes_max) {
        look_for_room();
        first = decide(blocks.front(), sent);
    }
    if (!first.ok()) return seen(first.error());
    if (first.value().kind == RoomDecision::Kind::stop) return spool_is_full;

    Appended appended;
    const Status stored = transact(Durability::now, [&]() -> Status {
        LH_TRY_ASSIGN(appended, append_all(blocks, sent));
        const bool nothing = appended.stored == 0 && !appended.next_dropped;
        return nothing ? Status{spool_is_full} : Status{};
    });
    LH_TRY(stored);
    for (const SpoolBlock& block : blocks.first(appended.stored))
        bytes_stored_ += block.sealed.size();
    return appended;
}

Result<Appended> SqliteSpool::append_all(std::span<const SpoolBlock> blocks,
                                         const SentMarks& sent) {
    using Kind = RoomDecision::Kind;
    const std::size_t carrier = tell_losses(blocks);
    Appended appended;
    Batch batch;
    for (const SpoolBlock& block : blocks) {
        LH_TRY_ASSIGN(const Kind kind, make_room(block, sent, batch));
        if (kind == Kind::drop_new) {
            list_lost(row_of(block), block.tag, LossReason::full);
            LH_TRY(flush(batch));
            LH_TRY(raise_count(row_of(block), block.tag.last_us, 0));
            LH_TRY(list_cut_before_lost(block.tag.name.epoch));
            appended.next_dropped = true;
        }
        if (kind != Kind::store) break;
        LH_TRY(put_block(block, batch));
        ++appended.stored;
    }
    LH_TRY(flush(batch));
    if (carrier >= appended.stored && carrier != blocks.size()) kept_.root.losses.tell_again();
    return appended;
}

// What a carrier tells is noted before anything is dropped for it: entries that grow or move would
// not be what was sealed into it. Returns which block it is; blocks.size(): none.
std::size_t SqliteSpool::tell_losses(std::span<const SpoolBlock> blocks) {
    LossLedger& losses = kept_.root.losses;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const SpoolTag& tag = blocks[i].tag;
        if (tag.losses == 0 || tag.losses > losses.to_tell().size()) continue;
        losses.tell(tag.losses, tag.name.seq.block_class(), place_of(tag.name));
        kept_.root_changed = true;
        return i;
    }
    return blocks.size();
}

Result<RoomDecision> SqliteSpool::decide(const SpoolBlock& block, const SentMarks& sent) {
    SpoolUse use;
    for (std::size_t c = 0; c < block_class_count; ++c) use[c].bytes = kept_.bytes_waiting[c];
    const BlockClass own = block.tag.name.seq.block_class();
    const RoomDecision easy = decide_room(bound_, use, own, bytes_of(block));
    if (easy.kind == RoomDecision::Kind::store) return easy;
    for (auto c = static_cast<std::size_t>(own); c < block_class_count; ++c) {
        if (policy_.classes[c].when_full != WhenFull::drop_oldest) continue;
        const auto oldest = oldest_unsent(static_cast<BlockClass>(c), sent);
        if (!oldest.ok() && oldest.error() != ErrorCode::not_found) return oldest.error();
        use[c].droppable = oldest.ok();
    }
    return decide_room(bound_, use, own, bytes_of(block));
}

Result<RoomDecision::Kind> SqliteSpool::make_room(const SpoolBlock& block, const SentMarks& sent,
                                                  Batch& batch) {
    for (;;) {
        LH_TRY_ASSIGN(RoomDecision decision, decide(block, sent));
        if (decision.kind == RoomDecision::Kind::store) break;
        if (batch.run) {  // its blocks can only be found once they are in a run
            LH_TRY(flush(batch));
            continue;
        }
        if (decision.kind != RoomDecision::Kind::drop) return decision.kind;
        LH_TRY_ASSIGN(const RowId oldest, oldest_unsent(decision.from, sent));
        LH_TRY(drop_waiting(oldest, LossReason::full));
    }
    LH_TRY(remove_durable_for(bytes_of(block)));
    return RoomDecision::Kind::store;
}

Status SqliteSpool::remove_durable_for(std::uint64_t bytes_more) {
    while (kept_.bytes_durable != 0 && bytes_kept() + bytes_more > bound_.bytes_max)
        LH_TRY(remove_oldest_durable());
    return {};
}

Status SqliteSpool::put_block(const SpoolBlock& block, Batch& batch) {
    const RowId id = row_of(block);
    LH_TRY(tables_.put_block(id, block.tag, block.sealed));
    if (batch.run && batch.run->last + 1 != id) LH_TRY(flush(batch));
    if (!batch.run) batch.run = BlockRun{id, id - 1};
    batch.run->last = id;
    batch.run->samples += block.tag.samples;
    batch.run->bytes += bytes_of(block);
    batch.last_us = block.tag.last_us;
    kept_.bytes_waiting[index_of(id)] += bytes_of(block);
    ++kept_.waiting[index_of(id)];
    return {};
}

Status SqliteSpool::flush(Batch& batch) {
    if (!batch.run) return {};
    LH_TRY(tables_.add_run(RunKind::waiting, *batch.run));
    LH_TRY(raise_count(batch.run->last, batch.last_us, batch.run->blocks()));
    batch.run.reset();
    return {};
}

// The newest block of its epoch and class is `block`; `kept` more are there.
Status SqliteSpool::raise_count(RowId block, std::int64_t last_us, std::uint32_t kept) {
    LH_TRY_ASSIGN(ClassCount count, tables_.count(count_id(block)));
    count.last_number = place_of(block).number;
    count.last_us = last_us;
    count.kept += kept;
    if (place_of(block).epoch > kept_.newest_epoch) {
        kept_.newest_epoch = place_of(block).epoch;
        kept_.epoch_emptied = true;  // the one before stayed for its sake
    }
    return tables_.put_count(count);
}

// Of the oldest epoch, the lowest class first.
Status SqliteSpool::remove_oldest_durable() {
    std::optional<BlockRun> oldest;
    for (std::size_t c = block_class_count; c-- > 0;) {
        const auto block_class = static_cast<BlockClass>(c);
        const auto run = tables_.run_after(RunKind::durable, block_class, first_row(block_class));
        if (!run.ok() && run.error() != ErrorCode::not_found) return run.error();
        if (run.ok() &&
            (!oldest || place_of(run.value().first).epoch < place_of(oldest->first).epoch))
            oldest = run.value();
    }
    if (!oldest) return Error{ErrorCode::corrupt, "the spool has fewer blocks than it counts"};
    LH_TRY_ASSIGN(const BlockRun part, tables_.sum(oldest->first, oldest->first));
    kept_.bytes_durable -= std::min(kept_.bytes_durable, part.bytes);
    return take_out(RunKind::durable, *oldest, part);
}

Status SqliteSpool::take_out(RunKind kind, const BlockRun& run, const BlockRun& part) {
    LH_TRY(tables_.remove_block(part.first));
    LH_TRY(tables_.cut_run(kind, run, part));
    LH_TRY_ASSIGN(ClassCount count, tables_.count(count_id(part.first)));
    if (count.kept == 0)
        return Error{ErrorCode::corrupt, "the spool has more blocks than it counts"};
    if (--count.kept == 0) kept_.epoch_emptied = true;
    return tables_.put_count(count);
}

// Marks go forward in two stretches, so that the third look finds what neither of them has.
Result<RowId> SqliteSpool::oldest_unsent(BlockClass block_class, const SentMarks& sent) {
    const SentOfClass& marks = sent.classes[static_cast<std::size_t>(block_class)];
    RowId after = first_row(block_class);
    for (;;) {
        LH_TRY_ASSIGN(const BlockRun run, tables_.run_after(RunKind::waiting, block_class, after));
        const RowId id = std::max(run.first, after + 1);
        const BlockPlace place = place_of(id);
        if (!marks.contains(place)) return id;
        const BlockPlace end = place <= marks.live_after ? marks.backlog : marks.live;
        if (end >= place_of(last_row(block_class))) return ErrorCode::not_found;
        // Beyond the newest of the backlog it is the other mark that says.
        after = place <= marks.live_after ? row_id(block_class, std::min(end, marks.live_after))
                                          : row_id(block_class, end);
    }
}

Status SqliteSpool::drop_waiting(RowId id, LossReason reason) {
    LH_TRY_ASSIGN(const BlockRun run, tables_.run_after(RunKind::waiting, class_of(id), id - 1));
    auto stored = tables_.look_at(id);
    if (!stored.ok() && is_damaged_row(stored.error())) {
        stored = look_at_damaged(id, run);
        reason = LossReason::corrupt;
    }
    if (!stored.ok() && stored.error() == ErrorCode::not_found)
        return Error{ErrorCode::corrupt, "a block of the spool is missing"};
    LH_TRY(stored);
    const auto& [tag, bytes] = stored.value();
    kept_.bytes_waiting[index_of(id)] -= std::min(kept_.bytes_waiting[index_of(id)], bytes);
    --kept_.waiting[index_of(id)];
    list_lost(id, tag, reason);
    LH_TRY(take_out(RunKind::waiting, run, {id, id, tag.samples, bytes}));
    return list_cut_before_lost(place_of(id).epoch);
}

// What is known of a block that cannot be believed: what the others of its run leave of the sums.
Result<StoredBlock> SqliteSpool::look_at_damaged(RowId id, const BlockRun& run) {
    BlockRun others;
    if (run.first < id) {
        LH_TRY_ASSIGN(others, tables_.sum(run.first, id - 1));
    }
    if (id < run.last) {
        LH_TRY_ASSIGN(const BlockRun right, tables_.sum(id + 1, run.last));
        others.samples += right.samples;
        others.bytes += right.bytes;
    }
    StoredBlock stored;
    stored.bytes = run.bytes - std::min(run.bytes, others.bytes);
    stored.tag.samples =
        static_cast<std::uint16_t>(run.samples - std::min(run.samples, others.samples));
    return stored;
}

void SqliteSpool::list_lost(RowId id, const SpoolTag& tag, LossReason reason) {
    LossLedger& losses = kept_.root.losses;
    const BlockPlace place = place_of(id);
    if (losses.is_carrier(class_of(id), place)) losses.tell_again();
    losses.add({class_of(id), reason, place, place, tag.samples, tag.first_us, tag.last_us});
    kept_.root.lost_samples += tag.samples;
    kept_.root_changed = true;
}

// Of an epoch that has lost its last block the record may never have been sent. If it was, the
// collector knows, and writes no row twice.
Status SqliteSpool::list_cut_before_lost(Epoch epoch) {
    LH_TRY_ASSIGN(const bool keeps, tables_.keeps_blocks_of(epoch));
    return keeps ? Status{} : tables_.list_cut_before(epoch, kept_.root.losses);
}

}  // namespace longhaul::agent
