#include "tools/longhaul/audit.hpp"

#include <algorithm>
#include <set>

#include "tools/longhaul/audit_journal.hpp"
#include "tools/longhaul/text.hpp"

namespace longhaul::tools {

using collector::AuditedBlock;
using collector::AuditedRows;

namespace {

// What of the journal counts for one device.
struct AuditedJournal {
    const std::string& name;
    ShardBegin begin;
    collector::Offset settled = 0;  // all below is in the tables
};

// Compares one epoch; problems are told with `who` before them.
class EpochAudit {
 public:
    EpochAudit(const AuditedEpoch& name, const SentEpoch& sent, const TenantTables& tables,
               const AuditedJournal& journal, std::vector<std::string>& problems)
        : name_{name}, sent_{sent}, tables_{tables}, journal_{journal}, problems_{problems} {}

    AuditCounts run() {
        if (!sent_.has_record && !sent_.blocks.empty() && !journal_.begin.is_cut())
            problem("its record is not in the journal");
        for (const auto& [seq, block] : sent_.blocks) count_block(seq, block);
        check_expired();
        take_expired();
        take_losses();
        for (std::uint32_t i = 0; i < block_class_count; ++i)
            count_missing(static_cast<BlockClass>(i));
        return counts_;
    }

 private:
    void count_block(std::uint32_t seq, const SentBlock& block) {
        ++counts_.blocks;
        counts_.samples += block.samples;
        counts_.resent += block.resent;
        counts_.older += block.older ? 1 : 0;
        const AuditedBlock key{name_.device, name_.incarnation, name_.epoch, seq};
        const auto found = tables_.rows.find(key);
        const AuditedRows rows = found == tables_.rows.end() ? AuditedRows{} : found->second;
        counts_.rows += rows.rows;
        counts_.duplicates += rows.duplicates;
        if (rows.duplicates != 0)
            problem(seq, std::to_string(rows.duplicates) + " rows stand there twice");
        if (rows.rows == block.samples) {
            if (block.released) ++counts_.released;
            return;
        }
        if (rows.rows < block.samples && has_expired(seq, false)) {
            ++counts_.expired;
            expired_rows_ += block.samples - rows.rows;
        } else if (rows.rows == 0 &&
                   (tables_.quarantined.contains(key) || has_expired(seq, true))) {
            ++counts_.quarantined;
        } else if (rows.rows < block.samples && !committed(block)) {
            ++counts_.in_flight;
        } else {
            ++counts_.wrong;
            problem(seq, std::to_string(block.samples) + " samples were sent, " +
                             std::to_string(rows.rows) + " rows are there");
        }
    }

    const std::set<ExpiredRun>& expired_runs() const {
        static const std::set<ExpiredRun> none;
        const auto found = tables_.expired.find({name_.device, name_.incarnation, name_.epoch});
        return found == tables_.expired.end() ? none : found->second;
    }

    bool has_expired(std::uint32_t seq, bool quarantined) const {
        const auto& runs = expired_runs();
        return std::any_of(runs.begin(), runs.end(), [&](const ExpiredRun& run) {
            return quarantined == (run.table == "_quarantine") && run.first_seq <= seq &&
                   seq <= run.last_seq;
        });
    }

    // Of single blocks nobody knows any more how many rows they had, but of all together.
    void check_expired() {
        std::uint64_t listed = 0;
        for (const ExpiredRun& run : expired_runs())
            listed += run.table == "_quarantine" ? 0 : run.rows;
        // With the journal's beginning cut off there are more than it can explain.
        if (listed == expired_rows_ || (journal_.begin.is_cut() && listed > expired_rows_)) return;
        ++counts_.wrong;
        problem(std::to_string(expired_rows_) + " samples are of blocks that have expired, " +
                std::to_string(listed) + " rows did");
    }

    // The writer has made a snapshot behind it, or every table that could have rows of the block
    // has said that it has them. When these are not known any more the next snapshot will tell.
    bool committed(const SentBlock& block) const {
        if (block.older || block.end <= journal_.settled) return true;
        if (!sent_.has_record || !sent_.all_tables) return false;
        const std::string app = journal_.name + "/" + std::to_string(block.shard);
        const auto has = [&](const std::string& name) {
            const auto table = tables_.tables.find(name);
            if (table == tables_.tables.end()) return false;
            const auto txn = table->second.txns.find(app);
            return txn != table->second.txns.end() &&
                   txn->second >= static_cast<std::int64_t>(block.end);
        };
        return std::all_of(sent_.tables.begin(), sent_.tables.end(), has);
    }

    // What has expired explains blocks that were cut off from the journal.
    void take_expired() {
        for (const ExpiredRun& run : expired_runs()) {
            const BlockSeq first{static_cast<std::uint32_t>(run.first_seq)};
            const BlockSeq last{static_cast<std::uint32_t>(run.last_seq)};
            if (first.block_class() != last.block_class()) continue;
            expired_[static_cast<std::size_t>(first.block_class())].push_back(
                {first.number(), last.number()});
        }
        for (auto& of_class : expired_) {
            std::sort(of_class.begin(), of_class.end(),
                      [](const auto& a, const auto& b) { return a.first < b.first; });
        }
    }

    void take_losses() {
        const auto found = tables_.lost.find({name_.device, name_.incarnation});
        if (found == tables_.lost.end()) return;
        for (const LostRun& run : found->second) {
            const auto numbers = numbers_in(run, name_.epoch);
            if (!numbers) continue;
            lost_[static_cast<std::size_t>(run.block_class)].push_back(*numbers);
            if (name_.epoch == run.first.first && !has_all_of(run))
                counts_.lost_samples += run.samples;
        }
    }

    // All blocks of the run have come all the same, as when they were lost after they had arrived.
    bool has_all_of(const LostRun& run) const {
        if (!run.one_epoch()) return false;
        const auto begin =
            sent_.blocks.lower_bound(BlockSeq::of(run.block_class, run.first.second).value);
        const auto end =
            sent_.blocks.upper_bound(BlockSeq::of(run.block_class, run.last.second).value);
        const auto count = static_cast<std::uint64_t>(std::distance(begin, end));
        return count == std::uint64_t{run.last.second} - run.first.second + 1;
    }

    void count_missing(BlockClass block_class) {
        const auto index = static_cast<std::size_t>(block_class);
        const std::uint32_t zero = BlockSeq::of(block_class, 0).value;
        const auto begin = sent_.blocks.lower_bound(zero);
        const auto end = sent_.blocks.upper_bound(zero + BlockSeq::number_max);
        std::uint64_t next = 1;
        for (auto at = begin; at != end; ++at) {
            const std::uint64_t number = at->first - zero;
            count_run(block_class, {next, number});
            next = number + 1;
        }
        std::uint64_t last = sent_.last_number[index];
        for (const LostNumbers& lost : lost_[index]) {
            const bool open = lost.last == BlockSeq::number_max;  // goes on in the next epoch
            last = std::max<std::uint64_t>(last, open ? lost.first : lost.last);
        }
        count_run(block_class, {next, last + 1});
    }

    struct Run {
        std::uint64_t from;    // number
        std::uint64_t before;  // behind the last one
    };

    // These are not in the journal. Numbers are a device's choice, so they are counted by ranges
    // and never one by one.
    void count_run(BlockClass block_class, Run run) {
        for (const LostNumbers& lost : lost_[static_cast<std::size_t>(block_class)]) {
            const Run part{std::max<std::uint64_t>(run.from, lost.first),
                           std::min(run.before, std::uint64_t{lost.last} + 1)};
            if (part.from >= part.before) continue;
            count_expired(block_class, {run.from, part.from});
            counts_.lost += part.before - part.from;
            run.from = part.before;
        }
        count_expired(block_class, run);
    }

    void count_expired(BlockClass block_class, Run run) {
        for (const LostNumbers& expired : expired_[static_cast<std::size_t>(block_class)]) {
            const Run part{std::max<std::uint64_t>(run.from, expired.first),
                           std::min(run.before, std::uint64_t{expired.last} + 1)};
            if (part.from >= part.before) continue;
            count_unexplained(block_class, {run.from, part.from});
            counts_.expired += part.before - part.from;
            run.from = part.before;
        }
        count_unexplained(block_class, run);
    }

    void count_unexplained(BlockClass block_class, Run run) {
        if (run.from >= run.before) return;
        // A block without samples has no rows that could tell that it came before the cut.
        if (journal_.begin.is_cut() && run.from < first_in_journal(block_class)) {
            const std::uint64_t before = std::min(run.before, first_in_journal(block_class));
            counts_.awaited += before - run.from;
            run.from = before;
            if (run.from >= run.before) return;
        }
        const BlockAt passed = sent_.passed[static_cast<std::size_t>(block_class)];
        const std::uint64_t holes_before = name_.epoch < passed.first ? run.before
                                           : name_.epoch == passed.first
                                               ? std::min<std::uint64_t>(run.before, passed.second)
                                               : 0;
        if (holes_before > run.from) {
            tell_hole(block_class, {run.from, holes_before});
            run.from = holes_before;
        }
        counts_.awaited += run.before - run.from;
    }

    std::uint64_t first_in_journal(BlockClass block_class) const {
        const std::uint32_t zero = BlockSeq::of(block_class, 0).value;
        for (auto at = sent_.blocks.lower_bound(zero);
             at != sent_.blocks.end() && at->first <= zero + BlockSeq::number_max; ++at) {
            if (!at->second.older) return at->first - zero;
        }
        return UINT64_MAX;
    }

    void tell_hole(BlockClass block_class, Run run) {
        counts_.holes += run.before - run.from;
        const std::string what = name_of(block_class);
        if (run.before - run.from == 1)
            return problem(what + " block " + std::to_string(run.from) +
                           ": is missing and nothing says why");
        problem(what + " blocks " + std::to_string(run.from) + " to " +
                std::to_string(run.before - 1) + ": are missing and nothing says why");
    }

    void problem(std::uint32_t seq, const std::string& text) {
        problem(std::string{name_of(BlockSeq{seq}.block_class())} + " block " +
                std::to_string(BlockSeq{seq}.number()) + ": " + text);
    }
    void problem(const std::string& text) {
        problems_.push_back(name_.tenant + "/" + name_.device + " epoch " +
                            std::to_string(name_.epoch) + ": " + text);
    }

    const AuditedEpoch& name_;
    const SentEpoch& sent_;
    const TenantTables& tables_;
    const AuditedJournal& journal_;
    std::vector<std::string>& problems_;
    std::array<std::vector<LostNumbers>, block_class_count> lost_;  // each by first number
    std::array<std::vector<LostNumbers>, block_class_count> expired_;
    std::uint64_t expired_rows_ = 0;  // that the tables lack of these blocks
    AuditCounts counts_;
};

// A row's name in the lake may be any number; in the journal it has 32 bits.
bool may_be_sent(const AuditedBlock& block) {
    const auto fits = [](std::int64_t value) { return value >= 0 && value <= UINT32_MAX; };
    return fits(block.incarnation) && fits(block.epoch) && fits(block.seq);
}

// Epochs of which nothing came, because it was lost; what they were is in _losses.
void add_lost_epochs(const std::string& tenant, const TenantTables& tables, const AuditScope& scope,
                     SentData& sent) {
    for (const auto& [device, runs] : tables.lost) {
        if (!scope.has(device.first)) continue;
        const auto incarnation = static_cast<std::uint32_t>(device.second);
        for (const LostRun& run : runs) {
            for (const std::uint32_t epoch : {run.first.first, run.last.first})
                (void)sent.epochs[{tenant, device.first, incarnation, epoch}];
        }
    }
}

// What was cut off from the journal is in the tables or in quarantine, or it would still be there.
// It came before what is left of its shard.
void add_older_blocks(const std::string& tenant, const TenantTables& tables,
                      const collector::Journal& journal, const AuditScope& scope, SentData& sent) {
    const auto add = [&](const AuditedBlock& block, std::uint64_t rows, std::int64_t received_us) {
        if (!may_be_sent(block) || !scope.has(block.device)) return;
        const ShardBegin& begin = sent.begins[journal.shard_of(tenant, block.device)];
        if (!begin.is_cut() || received_us > begin.time.value) return;
        SentEpoch& epoch =
            sent.epochs[{tenant, block.device, static_cast<std::uint32_t>(block.incarnation),
                         static_cast<std::uint32_t>(block.epoch)}];
        SentBlock older;
        older.samples = static_cast<std::uint16_t>(rows);
        older.older = true;
        epoch.blocks.try_emplace(static_cast<std::uint32_t>(block.seq), older);
        if (rows != 0)
            epoch.heard = std::max(epoch.heard.value_or(WallUs{received_us}), WallUs{received_us});
    };
    for (const auto& [block, rows] : tables.rows) add(block, rows.rows_end, rows.received_us);
    for (const AuditedBlock& block : tables.quarantined) add(block, 0, 0);
}

// Rows that no block of the journal explains.
void check_strangers(const std::string& tenant, const TenantTables& tables, const SentData& sent,
                     const AuditScope& scope, std::vector<std::string>& problems) {
    for (const auto& [block, rows] : tables.rows) {
        if (!scope.has(block.device)) continue;
        const auto epoch =
            sent.epochs.find({tenant, block.device, static_cast<std::uint32_t>(block.incarnation),
                              static_cast<std::uint32_t>(block.epoch)});
        if (may_be_sent(block) && epoch != sent.epochs.end() &&
            epoch->second.blocks.contains(static_cast<std::uint32_t>(block.seq))) {
            continue;
        }
        problems.push_back(tenant + "/" + block.device + " epoch " + std::to_string(block.epoch) +
                           ": " + std::to_string(rows.rows) + " rows of seq " +
                           std::to_string(block.seq) +
                           " are in a table and the block is not in the journal");
    }
}

}  // namespace

void check_begins(const collector::Journal& journal, const std::vector<collector::Offset>& settled,
                  AuditReport& report) {
    for (collector::Shard shard = 0; shard < journal.shards(); ++shard) {
        const auto begin = journal.begin(shard);
        const collector::Offset known = settled.empty() ? 0 : settled[shard];
        if (begin.ok() && begin.value() <= known) continue;
        const std::string who = "journal: shard " + std::to_string(shard);
        report.problems.push_back(
            begin.ok() ? who + ": what lies before offset " + std::to_string(begin.value()) +
                             " is missing, and no snapshot of the writer is behind it"
                       : who + ": " + to_string(begin.error()));
    }
}

Result<AuditReport, Message> audit(collector::Journal& journal, const LakeContents& lake,
                                   const AuditScope& scope,
                                   const std::vector<collector::Offset>& settled) {
    const std::string journal_name = uuid_text(journal.id().uuid);
    LH_TRY_ASSIGN(SentData sent, read_sent(journal, scope, settled));
    AuditReport report;
    report.problems = std::move(sent.problems);
    for (const auto& [tenant, tables] : lake) {
        report.tables += tables.tables.size();
        report.rewritten.add(tables.rewritten);
        report.problems.insert(report.problems.end(), tables.problems.begin(),
                               tables.problems.end());
        add_older_blocks(tenant, tables, journal, scope, sent);
        check_strangers(tenant, tables, sent, scope, report.problems);
        add_lost_epochs(tenant, tables, scope, sent);
        report.adopted = report.adopted || is_adopted(tables.told, journal);
        check_told(tenant, tables, journal, scope, sent.begins, report.problems);
    }
    static const TenantTables no_tables;
    std::set<std::pair<std::string, std::string>> devices;
    for (const auto& [name, epoch] : sent.epochs) {
        if (epoch.heard.value_or(WallUs{INT64_MIN}) < scope.since) continue;
        const auto tables = lake.find(name.tenant);
        const collector::Shard shard = journal.shard_of(name.tenant, name.device);
        const AuditedJournal of_device{journal_name, sent.begins[shard],
                                       settled.empty() ? 0 : settled[shard]};
        EpochAudit one{name, epoch, tables == lake.end() ? no_tables : tables->second, of_device,
                       report.problems};
        const AuditCounts counts = one.run();
        report.totals.add(counts);
        report.epochs.emplace(name, counts);
        if (epoch.heard) report.heard.emplace(name, *epoch.heard);
        devices.emplace(name.tenant, name.device);
    }
    report.devices = devices.size();
    return report;
}

}  // namespace longhaul::tools
