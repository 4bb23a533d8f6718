#include "agent/platform/linux/sqlite_spool.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>

#include "agent/platform/linux/sqlite_opening.hpp"
#include "agent/platform/linux/sqlite_salvage.hpp"

namespace longhaul::agent {
namespace {

constexpr unsigned open_attempts_max = 20;
constexpr std::chrono::milliseconds open_pause{100};
constexpr unsigned salvages_max = 3;
constexpr RunKind run_kinds[] = {RunKind::waiting, RunKind::durable};
constexpr std::uint64_t page_bytes = 4096;

}  // namespace

std::uint64_t SqliteSpool::Kept::all_waiting() const {
    return std::accumulate(bytes_waiting.begin(), bytes_waiting.end(), std::uint64_t{0});
}

Result<std::unique_ptr<SqliteSpool>, Message> SqliteSpool::open(const std::string& path,
                                                                const SpoolPolicy& policy,
                                                                Entropy& entropy) {
    static PosixSpoolFiles files;
    return open(path, policy, entropy, files);
}

Result<std::unique_ptr<SqliteSpool>, Message> SqliteSpool::open(const std::string& path,
                                                                const SpoolPolicy& policy,
                                                                Entropy& entropy,
                                                                SpoolFiles& files) {
    std::string note;
    unsigned salvages = 0;
    for (unsigned attempt = 1;;) {
        auto spool = try_open(path, policy, entropy, files);
        if (spool.ok()) {
            spool.value()->set_aside_ = note;
            return std::move(spool).value();
        }
        if (spool.error() == ErrorCode::corrupt && salvages++ < salvages_max) {
            auto saved = salvage_spool(path, entropy, files);
            if (!saved.ok()) return Message{path + ": " + to_string(saved.error())};
            if (!saved.value().empty()) note = saved.value();
            continue;
        }
        // Somebody may be looking at it; whoever still has it after a while is another agent.
        if (spool.error() != ErrorCode::denied || attempt++ == open_attempts_max)
            return Message{path + ": " + to_string(spool.error())};
        std::this_thread::sleep_for(open_pause);
    }
}

Result<std::unique_ptr<SqliteSpool>> SqliteSpool::try_open(const std::string& path,
                                                           const SpoolPolicy& policy,
                                                           Entropy& entropy, SpoolFiles& files) {
    if (files.exists(damage_mark_of(path)))
        return Error{ErrorCode::corrupt, "the spool was found damaged"};
    LH_TRY_ASSIGN(SpoolTables tables, open_tables(path, entropy, files));
    std::unique_ptr<SqliteSpool> spool{new SqliteSpool{std::move(tables), path, policy, files}};
    LH_TRY(spool->load());
    LH_TRY(spool->tables_.database().execute("PRAGMA wal_autocheckpoint = 0"));  // but itself
    spool->keep_reserve();
    return spool;
}

Status SqliteSpool::load() {
    LH_TRY_ASSIGN(kept_.root, tables_.root());
    LH_TRY_ASSIGN(kept_.newest_epoch, tables_.newest_epoch());
    std::uint64_t blocks = 0;
    for (const RunKind kind : run_kinds) LH_TRY(load_runs(kind, blocks));
    LH_TRY_ASSIGN(const std::uint64_t counted, tables_.blocks_counted());
    if (blocks != counted)
        return Error{ErrorCode::corrupt, "the runs of the spool are not all of its blocks"};
    return load_previous_end();
}

Status SqliteSpool::load_runs(RunKind kind, std::uint64_t& blocks) {
    for (std::size_t c = 0; c < block_class_count; ++c) {
        const auto block_class = static_cast<BlockClass>(c);
        for (RowId after = first_row(block_class);;) {
            const auto run = tables_.run_after(kind, block_class, after);
            if (!run.ok() && run.error() == ErrorCode::not_found) break;
            LH_TRY(run);
            if (run.value().last <= after || run.value().last < run.value().first)
                return Error{ErrorCode::corrupt, "the runs of the spool overlap"};
            after = run.value().last;
            blocks += run.value().blocks();
            if (kind == RunKind::durable) {
                kept_.bytes_durable += run.value().bytes;
                continue;
            }
            kept_.bytes_waiting[c] += run.value().bytes;
            kept_.waiting[c] += run.value().blocks();
        }
    }
    return {};
}

Status SqliteSpool::load_previous_end() {
    previous_end_.epoch = kept_.newest_epoch;
    if (previous_end_.epoch.value == 0) return {};
    for (std::size_t c = 0; c < block_class_count; ++c) {
        LH_TRY_ASSIGN(const ClassCount count,
                      tables_.count(row_id(static_cast<BlockClass>(c), {previous_end_.epoch, 0})));
        previous_end_.last_number[c] = count.last_number;
        previous_end_.last_us[c] = count.last_us;
    }
    return {};
}

Error SqliteSpool::seen(const Error& error) {
    if (error != ErrorCode::corrupt && error != ErrorCode::malformed) return error;
    damaged_ = true;
    // If even this fails, the next one to meet the damage will try again.
    static_cast<void>(files_->write(damage_mark_of(path_), {}));
    return {ErrorCode::corrupt, error.detail};
}

Status SqliteSpool::transact(Durability durability, const std::function<Status()>& work) {
    const Status done = try_transact(durability, work);
    const bool disk_is_full = !done.ok() && done.error() == ErrorCode::full &&
                              done.error().detail != spool_is_full.detail;
    if (!disk_is_full) return done;
    shrink_to_disk();
    const Status again = try_transact(durability, work);
    empty_log();
    take_reserve();
    return again;
}

Status SqliteSpool::try_transact(Durability durability, const std::function<Status()>& work) {
    const Kept before = kept_;
    const bool lazily = durability == Durability::with_the_next;
    waiting_epochs_.reset();
    SqliteDatabase& database = tables_.database();
    if (lazily) LH_TRY(database.execute("PRAGMA synchronous = NORMAL"));
    const Status done = database.in_transaction([&]() -> Status {
        LH_TRY(work());
        return finish_transaction();
    });
    if (!done.ok()) kept_ = before;
    if (lazily) LH_TRY(database.execute("PRAGMA synchronous = FULL"));
    return done.ok() ? checkpoint_when_due() : Status{seen(done.error())};
}

// Records and schemas of epochs that have no block left go. The newest that ever had one stays, for
// the next record refers to it; so does what is newer, for its first block may be about to come.
Status SqliteSpool::finish_transaction() {
    if (kept_.epoch_emptied) LH_TRY(tables_.forget_empty_epochs(kept_.newest_epoch));
    kept_.epoch_emptied = false;
    if (kept_.root_changed) LH_TRY(tables_.put_root(kept_.root));
    kept_.root_changed = false;
    return {};
}

// The counter is copied out of the log at once: a log that is damaged ends earlier, and nobody can
// tell.
Result<Epoch> SqliteSpool::begin_epoch() {
    if (kept_.root.epoch.value == UINT32_MAX)
        return Error{ErrorCode::unsupported, "no epoch number is left"};
    LH_TRY(transact(Durability::now, [&]() -> Status {
        ++kept_.root.epoch.value;
        kept_.root_changed = true;
        return {};
    }));
    const Status copied = checkpoint("PRAGMA wal_checkpoint(PASSIVE)");
    // On a full disk it may be in the log alone: without an epoch nothing could be stored.
    if (!copied.ok() && copied.error() == ErrorCode::full) {
        shrink_to_disk();
        take_reserve();
    } else {
        LH_TRY(copied);
    }
    return kept_.root.epoch;
}

Status SqliteSpool::store_schema(const SchemaHash& hash, Bytes encoded) {
    std::array<std::byte, limits::schema_bytes_max> room;
    const auto there = tables_.schema(hash, room);
    if (there.ok() && equal(there.value(), encoded)) return {};
    return transact(Durability::now, [&] { return tables_.put_schema(hash, encoded); });
}

Status SqliteSpool::store_epoch(Epoch epoch, Bytes signed_epoch,
                                std::span<const SchemaHash> schemas) {
    return transact(Durability::now,
                    [&] { return tables_.put_epoch(incarnation(), epoch, signed_epoch, schemas); });
}

Result<Bytes> SqliteSpool::read_schema(const SchemaHash& hash, MutableBytes room) {
    auto schema = tables_.schema(hash, room);
    if (!schema.ok()) return seen(schema.error());
    return schema;
}

Result<Bytes> SqliteSpool::read_epoch(Epoch epoch, MutableBytes room) {
    auto record = tables_.epoch(epoch, room);
    if (!record.ok()) return seen(record.error());
    return record;
}

Result<std::size_t> SqliteSpool::waiting_schemas(std::span<SchemaHash> out) {
    std::size_t count = 0;
    Epoch epoch;
    for (;;) {
        std::optional<Epoch> next;  // the first epoch behind `epoch` that has a waiting block
        for (std::size_t c = 0; c < block_class_count; ++c) {
            const auto block_class = static_cast<BlockClass>(c);
            const RowId after = row_id(block_class, {epoch, BlockSeq::number_max});
            const auto run = tables_.run_after(RunKind::waiting, block_class, after);
            if (run.ok() && (!next || place_of(run.value().first).epoch < *next))
                next = place_of(run.value().first).epoch;
            if (!run.ok() && run.error() != ErrorCode::not_found) return seen(run.error());
        }
        if (!next) return count;
        epoch = *next;
        const auto schemas = tables_.epoch_schemas(epoch);
        if (!schemas.ok()) return seen(schemas.error());
        for (const SchemaHash& hash : schemas.value()) {
            if (std::find(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count), hash) !=
                out.begin() + static_cast<std::ptrdiff_t>(count))
                continue;
            if (count == out.size()) return count;
            out[count++] = hash;
        }
    }
}

Result<std::size_t> SqliteSpool::epoch_schemas(Epoch epoch, std::span<SchemaHash> out) {
    const auto schemas = tables_.epoch_schemas(epoch);
    if (!schemas.ok()) return seen(schemas.error());
    const std::size_t count = std::min(schemas.value().size(), out.size());
    std::copy_n(schemas.value().begin(), count, out.begin());
    return count;
}

Status SqliteSpool::put_state(std::uint8_t key, Bytes value) {
    if (value.size() > state_bytes_max) return ErrorCode::too_large;
    return transact(Durability::with_the_next, [&] { return tables_.put_state(key, value); });
}

Result<Bytes> SqliteSpool::read_state(std::uint8_t key, MutableBytes room) {
    auto value = tables_.state(key, room);
    if (!value.ok()) return seen(value.error());
    return value;
}

Result<SpoolBlock> SqliteSpool::next(BlockClass block_class, Epoch epoch, BlockSeq after,
                                     MutableBytes room) {
    RowId at = row_id(block_class, {epoch, after.number()});
    for (;;) {
        if (kept_.waiting[static_cast<std::size_t>(block_class)] == 0) return ErrorCode::not_found;
        const auto run = tables_.run_after(RunKind::waiting, block_class, at);
        if (!run.ok()) return seen(run.error());
        at = std::max(run.value().first, at + 1);
        auto block = tables_.block(at, room);
        if (block.ok()) {
            block.value().tag.name.incarnation = kept_.root.incarnation;
            return block;
        }
        if (block.error() == ErrorCode::not_found)
            return seen({ErrorCode::corrupt, "a block of the spool is missing"});
        const bool too_large = block.error() == ErrorCode::too_large;
        if (!too_large && (block.error() != ErrorCode::corrupt || !is_damaged_row(block.error())))
            return seen(block.error());
        // It alone is damaged, or longer than what it is read into.
        const LossReason reason = too_large ? LossReason::unreadable : LossReason::corrupt;
        LH_TRY(transact(Durability::now, [&] { return drop_waiting(at, reason); }));
    }
}

Result<DurableGain> SqliteSpool::mark_durable(const SeqRange& range) {
    const BlockClass block_class = range.first.block_class();
    const RowId first = row_id(block_class, {range.epoch, range.first.number()});
    const RowId last = row_id(block_class, {range.epoch, range.last.number()});
    DurableGain gain;
    if (kept_.waiting[static_cast<std::size_t>(block_class)] == 0) return gain;
    const auto any = tables_.run_after(RunKind::waiting, block_class, first - 1);
    if (!any.ok() && any.error() != ErrorCode::not_found) return seen(any.error());
    if (!any.ok() || any.value().first > last) return gain;
    const Status marked = transact(Durability::with_the_next, [&]() -> Status {
        gain = {};  // it may be the second attempt
        for (;;) {
            LH_TRY_ASSIGN(const DurableGain more, mark_run(first, last));
            if (more.blocks == 0) return {};
            gain.blocks += more.blocks;
            gain.samples += more.samples;
        }
    });
    LH_TRY(marked);
    return gain;
}

// Of one run what lies between the two; nothing, if there is none any more.
Result<DurableGain> SqliteSpool::mark_run(RowId first, RowId last) {
    const BlockClass block_class = class_of(first);
    const auto run = tables_.run_after(RunKind::waiting, block_class, first - 1);
    if (!run.ok() && run.error() == ErrorCode::not_found) return DurableGain{};
    LH_TRY(run);
    if (run.value().first > last) return DurableGain{};
    BlockRun part = run.value();
    if (part.first < first || part.last > last) {
        LH_TRY_ASSIGN(part, tables_.sum(std::max(part.first, first), std::min(part.last, last)));
    }
    LH_TRY(tables_.cut_run(RunKind::waiting, run.value(), part));
    LH_TRY(tables_.add_run(RunKind::durable, part));
    const auto own = static_cast<std::size_t>(block_class);
    kept_.bytes_waiting[own] -= std::min(kept_.bytes_waiting[own], part.bytes);
    kept_.waiting[own] -= part.blocks();
    kept_.bytes_durable += part.bytes;
    if (kept_.root.losses.is_carrier_in(block_class, place_of(part.first), place_of(part.last))) {
        kept_.root.losses.forget_told();
        kept_.root_changed = true;
    }
    return DurableGain{part.blocks(), part.samples};
}

Status SqliteSpool::void_durable() {
    return transact(Durability::now, [&]() -> Status {
        for (std::size_t c = 0; c < block_class_count; ++c) {
            const auto block_class = static_cast<BlockClass>(c);
            for (;;) {
                const auto run =
                    tables_.run_after(RunKind::durable, block_class, first_row(block_class));
                if (!run.ok() && run.error() == ErrorCode::not_found) break;
                LH_TRY(run);
                LH_TRY(tables_.cut_run(RunKind::durable, run.value(), run.value()));
                LH_TRY(tables_.add_run(RunKind::waiting, run.value()));
                kept_.bytes_waiting[c] += run.value().bytes;
                kept_.waiting[c] += run.value().blocks();
            }
        }
        kept_.bytes_durable = 0;
        kept_.root_changed = true;  // something is written, so what waits for a sync is on disk
        return {};
    });
}

Result<SpoolDepth> SqliteSpool::depth() {
    SpoolDepth depth;
    depth.waiting = kept_.waiting;
    depth.bytes_waiting = kept_.all_waiting();
    if (depth.bytes_waiting == 0) return depth;
    if (!waiting_epochs_) {
        const auto epochs = tables_.waiting_epochs();
        if (!epochs.ok()) return seen(epochs.error());
        waiting_epochs_ = epochs.value();
    }
    depth.oldest_epoch = waiting_epochs_->oldest;
    depth.newest_epoch = waiting_epochs_->newest;
    depth.epochs = waiting_epochs_->count;
    return depth;
}

SpoolWear SqliteSpool::wear() {
    SpoolWear wear;
    wear.bytes_stored = bytes_stored_;
    wear.bytes_written = (tables_.database().pages_written() + pages_copied_) * page_bytes;
    return wear;
}

}  // namespace longhaul::agent
