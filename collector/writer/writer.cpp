// The writer's cycle: entries in, barriers out. What becomes of an entry is in writer_entries.cpp,
// how rows are made in writer_rows.cpp.
#include "collector/writer/writer.hpp"

#include <cstdio>

namespace longhaul::collector {

Writer::Writer(Journal& journal, ObjectStore& store, const KeyRing& keys,
               const WriterSettings& settings, Disk* snapshots)
    : journal_{journal},
      store_{store},
      keys_{keys},
      settings_{settings},
      snapshot_disk_{snapshots},
      body_room_(block_bytes_max) {
    for (Shard shard = 0; shard < journal.shards(); ++shard)
        ends_at_start_.push_back(journal.durable_end(shard));
    held_below_.resize(ends_at_start_.size());
    adopting_.resize(ends_at_start_.size());
    begin_damaged_.resize(ends_at_start_.size());
    tags_.resize(ends_at_start_.size(), ContentTags{settings.tag_bytes});
    usage_.resize(ends_at_start_.size());
    snapshot_offsets_.resize(ends_at_start_.size());
    const Uuid& uuid = journal.id().uuid;
    for (std::size_t i = 0; i < uuid.size(); ++i) {
        char digits[4];
        const bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        std::snprintf(digits, sizeof(digits), dash ? "-%02x" : "%02x",
                      static_cast<unsigned>(uuid[i]));
        journal_name_ += digits;
    }
}

Message Writer::stop(std::string text) {
    fatal_ = true;
    return {std::move(text)};
}

Result<void, Message> Writer::open() { return readers_.empty() ? start() : Outcome{}; }

Writer::Outcome Writer::start() {
    LH_TRY(restore());
    std::vector<std::unique_ptr<JournalReader>> readers;
    for (Shard shard = 0; shard < journal_.shards(); ++shard) {
        auto reader = journal_.read(shard, snapshot_offsets_[shard]);
        if (!reader.ok())
            return Message{"the journal cannot be read: " + to_string(reader.error())};
        readers.push_back(std::move(reader).value());
    }
    readers_ = std::move(readers);
    last_read_.assign(readers_.size(), EntryMark{});
    offsets_done_ = offsets_read();
    return {};
}

Result<MonotonicMs, Message> Writer::step(MonotonicMs now, WallUs wall) {
    LH_TRY(open());
    if (snapshot_at_ == MonotonicMs::never()) snapshot_at_ = now;
    if (!in_barrier_ && !snapshot_) {
        LH_TRY(read_entries(now));
        if (barrier_due(now)) {
            in_barrier_ = true;
        } else if (rows_buffered_ == 0 && snapshot_due(now)) {
            begin_snapshot();
        }
    }
    if (in_barrier_) {
        LH_TRY_ASSIGN(const bool more, advance_barrier(wall));
        if (!more) end_barrier(now);
        return now;
    }
    if (snapshot_) {
        LH_TRY(advance_snapshot(now));
        return now;
    }
    if (!all_read_ || barrier_requested_) return now;
    return rows_buffered_ == 0 ? MonotonicMs::never()
                               : first_row_at_ + settings_.commit_interval_ms;
}

void Writer::end_barrier(MonotonicMs now) {
    offsets_done_ = offsets_read();
    in_barrier_ = false;
    rows_buffered_ = 0;
    first_row_at_ = MonotonicMs::never();
    if (all_read_) barrier_requested_ = false;
    if (snapshot_due(now)) begin_snapshot();
}

bool Writer::drained() const {
    return all_read_ && !in_barrier_ && !snapshot_ && rows_buffered_ == 0 && !barrier_requested_;
}

bool Writer::barrier_due(MonotonicMs now) const {
    if (rows_buffered_ == 0) return barrier_requested_ && all_read_;
    if (barrier_requested_ && all_read_) return true;
    if (rows_buffered_ >= settings_.rows_max) return true;
    if (now - first_row_at_ >= settings_.commit_interval_ms) return true;
    std::size_t bytes = 0;
    for (const auto& [name, tenant] : tenants_) {
        for (const auto& [table_name, table] : tenant.tables) bytes += table->bytes();
    }
    return bytes >= settings_.bytes_max;
}

Writer::Outcome Writer::read_entries(MonotonicMs now) {
    const std::size_t rows_before = rows_buffered_;
    all_read_ = true;
    for (Shard shard = 0; shard < readers_.size(); ++shard) {
        for (std::size_t i = 0; i < settings_.entries_per_step; ++i) {
            const Offset at = readers_[shard]->offset();
            const auto read = readers_[shard]->next();
            if (read.ok()) {
                ++counters_.entries;
                if (read.value().entry.kind != JournalKind::release)
                    read_received_ = read.value().entry.receive_time;
                last_read_[shard] = {read.value().offset, read.value().end, read.value().checksum};
                LH_TRY(on_entry(shard, read.value()));
            } else if (read.error().code == ErrorCode::corrupt) {
                const Offset behind = readers_[shard]->offset();
                last_read_[shard] = {behind, behind, 0};
                LH_TRY(on_damage(shard, at));
            } else if (read.error().code == ErrorCode::not_found) {
                break;
            } else {
                return Message{"the journal cannot be read: " + to_string(read.error())};
            }
            if (i + 1 == settings_.entries_per_step) all_read_ = false;
        }
    }
    LH_TRY(check_adoptions());
    if (rows_before == 0 && rows_buffered_ != 0) first_row_at_ = now;
    if (rows_buffered_ == 0) offsets_done_ = offsets_read();
    return {};
}

std::vector<Offset> Writer::offsets_read() const {
    std::vector<Offset> offsets;
    for (const auto& reader : readers_) offsets.push_back(reader->offset());
    return offsets;
}

std::uint64_t Writer::bytes_read() const {
    std::uint64_t bytes = 0;
    for (const auto& reader : readers_) bytes += reader->offset();
    return bytes;
}

WriterProgress Writer::progress() const {
    std::uint64_t durable = 0;
    for (Shard shard = 0; shard < journal_.shards(); ++shard)
        durable += journal_.durable_end(shard);
    WriterProgress progress{counters_, 0, 0, offsets_done_, std::nullopt, last_commit_};
    for (const Offset offset : offsets_done_) progress.bytes_done += offset;
    for (const Offset end : ends_at_start_) progress.bytes_at_start += end;
    if (rows_buffered_ != 0) {
        progress.oldest = first_row_received_;
    } else if (durable != bytes_read()) {
        progress.oldest = read_received_;
    }
    return progress;
}

void Writer::set_limits(std::int64_t commit_interval_ms, std::size_t rows_max,
                        std::size_t bytes_max) {
    settings_.commit_interval_ms = commit_interval_ms;
    settings_.rows_max = rows_max;
    settings_.bytes_max = bytes_max;
}

// One file or one commit; false when every table is done.
Result<bool, Message> Writer::advance_barrier(WallUs wall) {
    for (auto& [name, tenant] : tenants_) {
        for (auto& [table_name, table] : tenant.tables) {
            if (!table->has_unwritten() && !table->has_uncommitted()) continue;
            const bool writing = table->has_unwritten();
            const Status done =
                writing ? table->write_one_file(last_read_) : table->commit(last_read_, wall);
            if (!done.ok() && done.error().code == ErrorCode::denied) {
                return stop("table " + table->folder() + ": " + to_string(done.error()));
            }
            if (!done.ok()) {
                return Message{std::string{writing ? "writing a batch file of table "
                                                   : "committing to table "} +
                               table->folder() +
                               " failed, it will be tried again: " + to_string(done.error())};
            }
            ++(writing ? counters_.files : counters_.commits);
            if (!writing) last_commit_ = wall;
            return true;
        }
    }
    return false;
}

Result<TableBuffer*, Message> Writer::table(const std::string& tenant, const std::string& name,
                                            const std::vector<Column>& columns, bool sorted) {
    auto& tables = tenants_[tenant].tables;
    if (const auto known = tables.find(name); known != tables.end()) return known->second.get();
    auto made =
        std::make_unique<TableBuffer>(store_, tenant + "/" + name, journal_name_, columns, sorted);
    const Status opened = made->open(ends_at_start_, adopted_txns(tenant, name));
    if (!opened.ok()) {
        const std::string at = made->faulty().empty() ? "" : " (" + made->faulty() + ")";
        return stop("table " + made->folder() + " cannot be opened: " + to_string(opened.error()) +
                    at);
    }
    LH_TRY(check_marks(made->folder(), made->state()));
    return tables.emplace(name, std::move(made)).first->second.get();
}

// A txn that the journal reaches may be of a copy of it, which has gone on by itself. Where the
// journal has been cut off the snapshot tells: what we commit behind it reaches its offset, in the
// shard of the new rows at least.
Writer::Outcome Writer::check_marks(const std::string& folder, const TableState& state) {
    const auto then = txns_then_.find(folder);
    bool unknown = false;
    bool reaches = false;
    for (Shard shard = 0; shard < journal_.shards(); ++shard) {
        const std::int64_t txn = state.txn(app_name(journal_name_, shard));
        reaches = reaches || (txn > 0 && static_cast<Offset>(txn) >= snapshot_offsets_[shard]);
        const auto mark = entry_mark(state, journal_name_, shard);
        if (!mark) continue;
        const EntryFound found = find_entry(journal_, shard, *mark);
        if (found == EntryFound::another) return stop_at_copy(folder);
        const std::int64_t known = then == txns_then_.end() ? -1 : then->second[shard];
        unknown = unknown || (found == EntryFound::cut_off && txn > known);
    }
    return unknown && !reaches ? stop_at_copy(folder) : Outcome{};
}

Message Writer::stop_at_copy(const std::string& folder) {
    return stop("table " + folder +
                " has rows of another copy of this journal: a collector runs on that, or this one "
                "was set back and has grown again. Stop the other collector for good, if there is "
                "one; then `longhaul adopt` lets this one go on with the lake");
}

const AdoptedTxns& Writer::adopted_txns(const std::string& tenant, const std::string& name) {
    static const AdoptedTxns none;
    const auto& adopted = tenants_[tenant].adopted;
    const auto found = adopted.find(name);
    return found == adopted.end() ? none : found->second;
}

Result<Batch*, Message> Writer::begin_rows(const Place& place, TableBuffer& table,
                                           std::size_t count) {
    if (table.has(place.shard, place.end)) return nullptr;
    Batch& batch = table.batch(place.shard, place.receive_date, place.offset);
    batch.begin_rows(count);
    if (rows_buffered_ == 0) first_row_received_ = read_received_;
    rows_buffered_ += count;
    return &batch;
}

}  // namespace longhaul::collector
