#include "agent/platform/linux/sqlite_salvage.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "agent/platform/linux/sqlite_opening.hpp"
#include "agent/platform/linux/sqlite_pages.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint32_t epochs_missed_max = 65'536;
constexpr std::size_t rows_per_transaction = 4096;
constexpr const char* companions[] = {"-wal", "-journal"};

class Salvage {
 public:
    Salvage(SpoolTables& tables, SpoolRoot new_root) : tables_{&tables}, root_{new_root} {}

    Status take_rows(DamagedPages& pages);
    Status settle();

    std::uint64_t blocks() const { return blocks_; }
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
    void list(RowId first, RowId last);
    bool is_durable(RowId id) const;

    SpoolTables* tables_;
    SpoolRoot root_;  // of the new file; its epoch is the highest seen
    std::optional<SpoolRoot> old_root_;
    std::optional<Incarnation> incarnation_;  // of the old file; each epoch's record has it, too
    std::set<Epoch> epochs_;
    std::map<RowId, ClassCount> counts_;  // as they were
    std::map<RowId, RowId> durable_;      // first to last
    std::map<RowId, RowId> lowest_;       // of a count: the first block that surely was there
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
    if (row.kind == RowKind::durable) durable_[row.id] = row.integer(0);
}

bool Salvage::is_durable(RowId id) const {
    const auto after = durable_.upper_bound(id);
    return after != durable_.begin() && std::prev(after)->second >= id;
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
        root_.epoch.value += epochs_missed_max;
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
        const auto lowest = lowest_.try_emplace(count_id(id), id).first;
        lowest->second = std::min(lowest->second, id);
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
    if (before.kept <= now.kept && before.last_number != 0) return {};

    const auto known = lowest_.find(id);
    RowId next = known == lowest_.end() ? id + 1 : known->second;
    const RowId end = id + now.last_number;
    while (next <= end) {
        RowId here = end + 1;  // the first block from `next` on that is there
        RowId after = end + 1;
        for (const RunKind kind : {RunKind::waiting, RunKind::durable}) {
            const auto run = tables_->run_after(kind, class_of(id), next - 1);
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
    for (RowId id = first; id <= last; ++id) {
        if (root_.losses.is_carrier(class_of(id), place_of(id))) root_.losses.tell_again();
    }
    root_.losses.add(
        {class_of(first), LossReason::unreadable, place_of(first), place_of(last), 0, 0, 0});
    lost_ += static_cast<std::uint64_t>(last - first + 1);
}

std::string number_text(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
    return text;
}

std::string aside_path(const std::string& path, unsigned number) {
    return path + ".damaged-" + std::to_string(number);
}

// The number under which the file is or will be set aside; noted, so that a start after a power cut
// goes on with the same.
Result<unsigned> begin(const std::string& path, SpoolFiles& files) {
    std::array<std::byte, 16> room;
    const auto noted = files.read(damage_mark_of(path), 0, room);
    unsigned number = 0;
    if (noted.ok()) {
        for (const char digit : as_text(noted.value())) {
            if (digit >= '0' && digit <= '9') number = number * 10 + unsigned(digit - '0');
        }
    }
    if (number != 0) return number;
    for (number = 1; files.exists(aside_path(path, number));) ++number;
    LH_TRY(files.write(damage_mark_of(path), as_bytes(std::to_string(number))));
    return number;
}

Status move_with_companions(const std::string& from, const std::string& to, SpoolFiles& files) {
    for (const char* companion : companions) {
        if (files.exists(from + companion)) LH_TRY(files.rename(from + companion, to + companion));
    }
    return files.exists(from) ? files.rename(from, to) : Status{};
}

Result<std::string> rebuild(const std::string& path, const std::string& aside, Entropy& entropy,
                            SpoolFiles& files) {
    const std::string fresh = path + ".salvage";
    LH_TRY(files.remove(fresh));
    for (const char* companion : companions) LH_TRY(files.remove(fresh + companion));
    SpoolRoot root;
    std::array<std::byte, 4> random;
    LH_TRY(entropy.fill(random));
    root.incarnation.value = ByteReader{random}.u32();
    std::string note = path + " could not be read; set aside as " + aside + "; ";
    {
        LH_TRY_ASSIGN(SpoolTables tables, make_tables(fresh, root, files));
        DamagedPages pages{files, aside, aside + "-wal"};
        Salvage salvage{tables, root};
        LH_TRY(salvage.take_rows(pages));
        LH_TRY(salvage.settle());
        note += salvage.knows_incarnation()
                    ? number_text(salvage.blocks()) + " blocks taken over, " +
                          number_text(salvage.lost()) + " lost"
                    : "nothing in it could be taken over";
    }
    LH_TRY(files.rename(fresh, path));
    return note;
}

}  // namespace

std::string damage_mark_of(const std::string& path) { return path + ".damaged"; }

Result<std::string> salvage_spool(const std::string& path, Entropy& entropy, SpoolFiles& files) {
    LH_TRY_ASSIGN(const unsigned number, begin(path, files));
    const std::string aside = aside_path(path, number);
    std::string note;
    const bool is_new = files.exists(aside) && files.exists(path);  // cut before the mark went
    if (!is_new) {
        if (!files.exists(aside)) LH_TRY(move_with_companions(path, aside, files));
        LH_TRY_ASSIGN(note, rebuild(path, aside, entropy, files));
    }
    LH_TRY(files.remove(damage_mark_of(path)));
    return note;
}

}  // namespace longhaul::agent
