#include "agent/platform/linux/sqlite_salvage.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "agent/platform/linux/sqlite_aside.hpp"
#include "agent/platform/linux/sqlite_opening.hpp"
#include "agent/platform/linux/sqlite_pages.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint32_t epochs_missed_max = 65'536;
constexpr std::size_t rows_per_transaction = 256;  // so that the log stays small on a full disk
constexpr std::uint64_t bytes_worth_a_try = 32 << 10;

class Salvage {
 public:
    // Takes blocks of so many bytes; the others are listed as lost.
    Salvage(SpoolTables& tables, SpoolRoot new_root, std::uint64_t bytes_max)
        : tables_{&tables}, root_{new_root}, bytes_max_{bytes_max} {}

    Status take_rows(DamagedPages& pages);
    Status settle();

    std::uint64_t blocks() const { return blocks_; }
    std::uint64_t bytes_taken() const { return bytes_taken_; }
    std::uint64_t lost() const { return lost_; }
    bool knows_incarnation() const { return incarnation_.has_value(); }

 private:
    Status take(const FoundRow& row);
    Status take_block(const FoundRow& row);
    Status take_epoch(const FoundRow& row);
    void take_root(const FoundRow& row);
    void take_range(const FoundRow& row);
    void saw(Epoch epoch) { root_.epoch = std::max(root_.epoch, epoch); }
    Status build_runs();
    Status settle_class(RowId count);
    Status list_missing(RowId next, RowId end);
    void list(RowId first, RowId last);
    bool is_durable(RowId id) const { return lies_in(durable_, id); }
    bool is_ghost(RowId id) const;

    SpoolTables* tables_;
    SpoolRoot root_;  // of the new file; its epoch is the highest seen
    std::optional<SpoolRoot> old_root_;
    std::optional<Incarnation> incarnation_;  // of the old file; each epoch's record has it, too
    std::set<Epoch> epochs_;
    std::set<Epoch> listed_;              // that lost blocks
    std::map<RowId, ClassCount> counts_;  // as they were
    using Runs = std::map<RowId, RowId>;  // first to last
    static bool lies_in(const Runs& runs, RowId id);
    Runs waiting_;
    Runs durable_;
    std::set<RowId> with_runs_;                // counts of which a run was found
    std::map<RowId, std::uint32_t> ghosts_;    // of a count: blocks that come from free pages
    std::map<RowId, RowId> lowest_;            // of a count: the first block that surely was there
    std::map<RowId, RowId> highest_left_out_;  // of a count: for want of room
    std::uint64_t bytes_max_;
    std::uint64_t bytes_taken_ = 0;
    std::uint64_t blocks_ = 0;
    std::uint64_t lost_ = 0;
};

Status Salvage::take_rows(DamagedPages& pages) {
    std::size_t rows = 0;
    LH_TRY(tables_->database().execute("BEGIN IMMEDIATE"));
    const Status taken = pages.each_row([&](const FoundRow& row) -> Status {
        if (++rows % rows_per_transaction == 0)
            LH_TRY(tables_->database().execute("COMMIT; BEGIN IMMEDIATE"));
        return take(row);
    });
    LH_TRY(taken);
    return tables_->database().execute("COMMIT");
}

Status Salvage::take(const FoundRow& row) {
    switch (row.kind) {
        case RowKind::block:
            return take_block(row);
        case RowKind::epoch:
            return take_epoch(row);
        case RowKind::spool:
            take_root(row);
            return {};
        case RowKind::waiting:
        case RowKind::durable:
            take_range(row);
            return {};
        case RowKind::count:
            counts_[row.id] = {row.id, static_cast<std::uint32_t>(row.integer(0)), row.integer(1),
                               static_cast<std::uint32_t>(row.integer(2))};
            saw(place_of(row.id).epoch);
            return {};
        case RowKind::schema: {
            SchemaHash hash{};
            const Bytes bytes = row.blob(0);
            std::copy_n(bytes.begin(), std::min(bytes.size(), hash.size()), hash.begin());
            return tables_->put_schema(hash, row.blob(1));
        }
        case RowKind::state:
            return tables_->put_state(static_cast<std::uint8_t>(row.id / copies), row.blob(0));
    }
    return {};
}

Status Salvage::take_block(const FoundRow& row) {
    SpoolTag tag;
    tag.samples = static_cast<std::uint16_t>(row.integer(0));
    tag.first_us = row.integer(1);
    tag.last_us = row.integer(2);
    tag.losses = static_cast<std::uint16_t>(row.integer(3));
    saw(place_of(row.id).epoch);
    const std::uint64_t bytes = row.blob(4).size() + block_overhead_bytes;
    if (bytes > bytes_max_ - bytes_taken_) {
        RowId& highest = highest_left_out_.try_emplace(count_id(row.id), row.id).first->second;
        highest = std::max(highest, row.id);
        counts_.try_emplace(count_id(row.id), ClassCount{count_id(row.id)});
        return {};
    }
    bytes_taken_ += bytes;
    const Status put = tables_->put_block(row.id, tag, row.blob(4));
    return !put.ok() && put.error() == ErrorCode::exists ? Status{} : put;  // found twice
}

Status Salvage::take_epoch(const FoundRow& row) {
    const Epoch epoch{static_cast<std::uint32_t>(row.id / copies)};
    saw(epoch);
    if (!epochs_.insert(epoch).second) return {};
    incarnation_ = Incarnation{static_cast<std::uint32_t>(row.integer(0))};
    std::vector<SchemaHash> schemas(row.blob(1).size() / sizeof(SchemaHash));
    std::copy_n(row.blob(1).begin(), schemas.size() * sizeof(SchemaHash),
                std::as_writable_bytes(std::span{schemas}).begin());
    return tables_->put_epoch(*incarnation_, epoch, row.blob(2), schemas);
}

// Of several the newest one.
void Salvage::take_root(const FoundRow& row) {
    SpoolRoot root;
    root.incarnation.value = static_cast<std::uint32_t>(row.integer(2));
    root.epoch.value = static_cast<std::uint32_t>(row.integer(3));
    root.lost_samples = static_cast<std::uint64_t>(row.integer(4));
    ByteReader losses{row.blob(5)};
    if (!root.losses.read(losses).ok()) return;
    saw(root.epoch);
    if (old_root_ && std::pair{old_root_->epoch, old_root_->lost_samples} >
                         std::pair{root.epoch, root.lost_samples})
        return;
    old_root_ = root;
    incarnation_ = root.incarnation;
}

void Salvage::take_range(const FoundRow& row) {
    saw(place_of(row.id).epoch);
    const auto lowest = lowest_.try_emplace(count_id(row.id), row.id).first;
    lowest->second = std::min(lowest->second, row.id);
    with_runs_.insert(count_id(row.id));
    (row.kind == RowKind::durable ? durable_ : waiting_)[row.id] = row.integer(0);
}

bool Salvage::lies_in(const Runs& runs, RowId id) {
    const auto after = runs.upper_bound(id);
    return after != runs.begin() && std::prev(after)->second >= id;
}

// Of what was removed the runs know nothing any more.
bool Salvage::is_ghost(RowId id) const {
    return with_runs_.contains(count_id(id)) && !lies_in(waiting_, id) && !lies_in(durable_, id);
}

Status Salvage::settle() {
    if (old_root_) {
        root_.losses = old_root_->losses;
        root_.lost_samples = old_root_->lost_samples;
    } else {
        root_.losses.add({BlockClass::alarm, LossReason::unreadable, {}, {}, 0, 0, 0});
    }
    if (incarnation_) {
        root_.incarnation = *incarnation_;
        root_.epoch.value += std::min(epochs_missed_max, UINT32_MAX - root_.epoch.value);
    } else {
        root_.epoch = {};
    }
    const Status settled = tables_->database().in_transaction([&]() -> Status {
        // Blocks of a spool whose name nobody knows any more cannot be sent.
        if (!incarnation_)
            LH_TRY(tables_->database().execute("DELETE FROM blocks; DELETE FROM schemas;"));
        LH_TRY(build_runs());
        for (const auto& [id, count] : counts_) {
            if (incarnation_) LH_TRY(settle_class(id));
        }
        for (const Epoch epoch : listed_) {
            LH_TRY_ASSIGN(const bool keeps, tables_->keeps_blocks_of(epoch));
            if (!keeps) LH_TRY(tables_->list_cut_before(epoch, root_.losses));
        }
        return tables_->put_root(root_);
    });
    LH_TRY(settled);
    return tables_->database().execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

// A block without its epoch's record cannot be opened by anybody.
Status Salvage::build_runs() {
    LH_TRY_ASSIGN(const SqliteStatement statement,
                  tables_->database().prepare("SELECT id, samples, length(sealed), last_us"
                                              " FROM blocks ORDER BY id"));
    SqliteQuery row{statement};
    RunBuilder runs{*tables_};
    std::vector<RowId> useless;
    for (;;) {
        LH_TRY_ASSIGN(const bool found, row.step());
        if (!found) break;
        const RowId id = row.integer(0);
        counts_.try_emplace(count_id(id), ClassCount{count_id(id)});
        if (is_ghost(id)) {
            ++ghosts_[count_id(id)];
        } else {
            const auto lowest = lowest_.try_emplace(count_id(id), id).first;
            lowest->second = std::min(lowest->second, id);
        }
        if (!epochs_.contains(place_of(id).epoch)) {
            useless.push_back(id);
            continue;
        }
        ++blocks_;
        const BlockRun block{id, id, row.as<std::uint64_t>(1),
                             row.as<std::uint64_t>(2) + block_overhead_bytes};
        LH_TRY(
            runs.add(is_durable(id) ? RunKind::durable : RunKind::waiting, block, row.integer(3)));
    }
    LH_TRY(runs.finish());
    for (const RowId id : useless) LH_TRY(tables_->remove_block(id));
    return {};
}

// Lists what is missing of an epoch's class: between the lowest block that is known of and the last
// that was ever noted.
Status Salvage::settle_class(RowId id) {
    LH_TRY_ASSIGN(ClassCount now, tables_->count(id));
    const ClassCount before = counts_.at(id);
    if (before.last_number >= now.last_number) {
        now.last_number = before.last_number;
        now.last_us = before.last_us;
    }
    LH_TRY(tables_->put_count(now));
    if (before.kept + ghosts_[id] <= now.kept && before.last_number != 0) return {};

    const auto known = lowest_.find(id);
    RowId end = id + now.last_number;
    if (const auto left_out = highest_left_out_.find(id); left_out != highest_left_out_.end())
        end = std::max(end, left_out->second);
    return list_missing(known == lowest_.end() ? id + 1 : known->second, end);
}

Status Salvage::list_missing(RowId next, RowId end) {
    while (next <= end) {
        RowId here = end + 1;  // the first block from `next` on that is there
        RowId after = end + 1;
        for (const RunKind kind : {RunKind::waiting, RunKind::durable}) {
            const auto run = tables_->run_after(kind, class_of(next), next - 1);
            if (!run.ok() && run.error() != ErrorCode::not_found) return run.error();
            if (!run.ok() || std::max(run.value().first, next) >= here) continue;
            here = std::max(run.value().first, next);
            after = run.value().last + 1;
        }
        const auto acknowledged = durable_.upper_bound(next);
        const bool durable = is_durable(next);
        if (durable && here != next) {  // acknowledged, and only its bytes are gone
            next = std::min(std::prev(acknowledged)->second + 1, here);
            continue;
        }
        if (here > next) {
            RowId last = here - 1;
            if (acknowledged != durable_.end()) last = std::min(last, acknowledged->first - 1);
            list(next, last);
            next = last + 1;
            continue;
        }
        next = after;
    }
    return {};
}

void Salvage::list(RowId first, RowId last) {
    if (root_.losses.is_carrier_in(class_of(first), place_of(first), place_of(last)))
        root_.losses.tell_again();
    root_.losses.add(
        {class_of(first), LossReason::unreadable, place_of(first), place_of(last), 0, 0, 0});
    lost_ += static_cast<std::uint64_t>(last - first + 1);
    listed_.insert(place_of(first).epoch);
}

std::string number_text(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
    return text;
}

// Of the blocks so many bytes; nothing: not even looks what there is.
struct Attempt {
    std::optional<std::uint64_t> bytes_max = UINT64_MAX;
    std::uint64_t bytes_taken = 0;
};

Result<std::string> try_rebuild(const std::string& path, const std::string& aside, Entropy& entropy,
                                SpoolFiles& files, Attempt& attempt) {
    const std::string fresh = path + ".salvage";
    LH_TRY(files.remove(fresh));
    LH_TRY(remove_companions(fresh, files));
    SpoolRoot root;
    std::array<std::byte, 4> random;
    LH_TRY(entropy.fill(random));
    root.incarnation.value = ByteReader{random}.u32();
    std::string note = path + " could not be read; set aside as " + aside + "; ";
    {
        LH_TRY_ASSIGN(SpoolTables tables, make_tables(fresh, root, files));
        DamagedPages pages{files, aside, aside + "-wal"};
        Salvage salvage{tables, root, attempt.bytes_max.value_or(0)};
        const Status taken = attempt.bytes_max ? salvage.take_rows(pages) : Status{};
        attempt.bytes_taken = salvage.bytes_taken();
        LH_TRY(taken);
        LH_TRY(salvage.settle());
        note += salvage.knows_incarnation()
                    ? number_text(salvage.blocks()) + " blocks taken over, " +
                          number_text(salvage.lost()) + " lost"
                    : "nothing in it could be taken over";
    }
    LH_TRY(files.rename(fresh, path));
    return note;
}

// On a disk that is full: first what was set aside earlier goes, then half of the blocks that found
// room stay out, and half of those.
Result<std::string> rebuild(const std::string& path, unsigned number, Entropy& entropy,
                            SpoolFiles& files) {
    Attempt attempt;
    for (bool first = true;; first = false) {
        auto done = try_rebuild(path, aside_path(path, number), entropy, files, attempt);
        if (done.ok() || done.error() != ErrorCode::full || !attempt.bytes_max) return done;
        if (first) {
            LH_TRY(remove_other_asides(path, number, files));
        } else if (*attempt.bytes_max == 0) {
            attempt.bytes_max.reset();
        } else {
            const std::uint64_t half = attempt.bytes_taken / 2;
            attempt.bytes_max = half < bytes_worth_a_try ? 0 : half;
        }
    }
}

}  // namespace

Result<std::string> salvage_spool(const std::string& path, Entropy& entropy, SpoolFiles& files) {
    LH_TRY(files.remove(reserve_of(path)));
    LH_TRY_ASSIGN(const unsigned number, begin_aside(path, files));
    const std::string aside = aside_path(path, number);
    std::string note;
    const bool is_new = files.exists(aside) && files.exists(path);  // cut before the mark went
    if (!is_new) {
        if (!files.exists(aside)) LH_TRY(move_with_companions(path, aside, files));
        LH_TRY_ASSIGN(note, rebuild(path, number, entropy, files));
    }
    LH_TRY(remove_oldest_aside(path, number, files));
    LH_TRY(files.remove(damage_mark_of(path)));
    return note;
}

}  // namespace longhaul::agent
