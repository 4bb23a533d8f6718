#include "tools/longhaul/audit.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "collector/lake/delta_log.hpp"
#include "collector/lake/parquet_file.hpp"
#include "collector/registry/certificate.hpp"
#include "tools/longhaul/audit_journal.hpp"
#include "tools/longhaul/audit_store.hpp"
#include "tools/longhaul/text.hpp"

namespace longhaul::tools {

using collector::AuditedBlock;
using collector::AuditedRows;

namespace {

std::int64_t number(const std::string& text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

Result<TenantTables, Message> read_tables(collector::ObjectStore& lake, const std::string& tenant) {
    TenantTables found;
    const auto names = collector::data_tables(lake, tenant);
    if (!names.ok()) return Message{"lake: " + to_string(names.error())};
    for (const std::string& name : names.value()) {
        auto table = collector::audit_rows(lake, tenant + "/" + name);
        if (!table.ok()) return Message{tenant + "/" + name + ": " + to_string(table.error())};
        if (table.value().version < 0) continue;  // a folder of something else
        for (const auto& [block, rows] : table.value().blocks) {
            found.rows[block].rows += rows.rows;
            found.rows[block].duplicates += rows.duplicates;
        }
        found.tables.emplace(name, std::move(table).value());
    }
    LH_TRY(read_system_table(
        lake, tenant + "/_quarantine", {"device", "incarnation", "epoch", "seq"},
        [&](const std::vector<std::string>& row) {
            if (row[3].empty()) return;
            found.quarantined.insert({row[0], number(row[1]), number(row[2]), number(row[3])});
        }));
    LH_TRY(
        read_system_table(lake, tenant + "/_losses",
                          {"device", "incarnation", "epoch", "first_seq", "last_seq", "samples"},
                          [&](const std::vector<std::string>& row) {
                              if (row[4].empty())
                                  return;  // of unknown extent: behind the last block, so no hole
                              found.lost[{row[0], number(row[1]), number(row[2]), 0}].push_back(
                                  {static_cast<std::uint32_t>(number(row[3])),
                                   static_cast<std::uint32_t>(number(row[4])),
                                   static_cast<std::uint64_t>(number(row[5]))});
                          }));
    return found;
}

// Compares one epoch; problems are told with `who` before them.
class EpochAudit {
 public:
    EpochAudit(const AuditedEpoch& name, const SentEpoch& sent, const TenantTables& tables,
               const std::string& journal, std::vector<std::string>& problems)
        : name_{name}, sent_{sent}, tables_{tables}, journal_{journal}, problems_{problems} {}

    AuditCounts run() {
        if (!sent_.has_record && !sent_.blocks.empty()) problem("its record is not in the journal");
        for (const auto& [seq, block] : sent_.blocks) count_block(seq, block);
        const auto lost = tables_.lost.find({name_.device, name_.incarnation, name_.epoch, 0});
        if (lost != tables_.lost.end()) lost_ = lost->second;
        std::sort(lost_.begin(), lost_.end(),
                  [](const LostRange& a, const LostRange& b) { return a.first < b.first; });
        for (const LostRange& range : lost_) counts_.lost_samples += range.samples;
        for (std::uint32_t i = 0; i < block_class_count; ++i)
            count_missing(static_cast<BlockClass>(i));
        return counts_;
    }

 private:
    void count_block(std::uint32_t seq, const SentBlock& block) {
        ++counts_.blocks;
        counts_.samples += block.samples;
        counts_.resent += block.resent;
        const AuditedBlock key{name_.device, name_.incarnation, name_.epoch, seq};
        const auto found = tables_.rows.find(key);
        const AuditedRows rows = found == tables_.rows.end() ? AuditedRows{} : found->second;
        counts_.rows += rows.rows;
        counts_.duplicates += rows.duplicates;
        if (rows.duplicates != 0)
            problem(seq, std::to_string(rows.duplicates) + " rows stand there twice");
        if (rows.rows == block.samples) return;
        if (rows.rows == 0 && tables_.quarantined.contains(key)) {
            ++counts_.quarantined;
        } else if (rows.rows < block.samples && !committed(block)) {
            ++counts_.in_flight;
        } else {
            ++counts_.wrong;
            problem(seq, std::to_string(block.samples) + " samples were sent, " +
                             std::to_string(rows.rows) + " rows are there");
        }
    }

    // Every table that could have rows of the block has said that it has them.
    bool committed(const SentBlock& block) const {
        const std::string app = journal_ + "/" + std::to_string(block.shard);
        return std::all_of(sent_.tables.begin(), sent_.tables.end(), [&](const std::string& name) {
            const auto table = tables_.tables.find(name);
            if (table == tables_.tables.end()) return false;
            const auto txn = table->second.txns.find(app);
            return txn != table->second.txns.end() &&
                   txn->second >= static_cast<std::int64_t>(block.end);
        });
    }

    void count_missing(BlockClass block_class) {
        const std::uint32_t zero = BlockSeq::of(block_class, 0).value;
        std::uint64_t next = std::uint64_t{zero} + 1;
        const auto begin = sent_.blocks.lower_bound(zero);
        const auto end = sent_.blocks.upper_bound(zero + BlockSeq::number_max);
        for (auto at = begin; at != end; ++at) {
            count_run({next, at->first}, counts_.holes);
            next = std::uint64_t{at->first} + 1;
        }
        const std::uint32_t last = sent_.last_number[static_cast<std::size_t>(block_class)];
        if (last >= next - zero) count_run({next, std::uint64_t{zero} + last + 1}, counts_.awaited);
    }

    struct Run {
        std::uint64_t from;    // seq
        std::uint64_t before;  // behind the last one
    };

    // These are not in the journal: lost, or `otherwise`. Numbers are a device's choice, so they
    // are counted by ranges and never one by one.
    void count_run(Run run, std::uint64_t& otherwise) {
        for (const LostRange& range : lost_) {
            const Run lost{std::max<std::uint64_t>(run.from, range.first),
                           std::min(run.before, std::uint64_t{range.last} + 1)};
            if (lost.from >= lost.before) continue;
            count_unexplained({run.from, lost.from}, otherwise);
            counts_.lost += lost.before - lost.from;
            run.from = lost.before;
        }
        count_unexplained(run, otherwise);
    }

    void count_unexplained(Run run, std::uint64_t& otherwise) {
        if (run.from >= run.before) return;
        otherwise += run.before - run.from;
        if (&otherwise != &counts_.holes) return;
        const BlockSeq first{static_cast<std::uint32_t>(run.from)};
        const BlockSeq last{static_cast<std::uint32_t>(run.before - 1)};
        if (first == last) return problem(first.value, "is missing and nothing says why");
        problem(std::string{name_of(first.block_class())} + " blocks " +
                std::to_string(first.number()) + " to " + std::to_string(last.number()) +
                ": are missing and nothing says why");
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
    const std::string& journal_;
    std::vector<std::string>& problems_;
    std::vector<LostRange> lost_;
    AuditCounts counts_;
};

// A row's name in the lake may be any number; in the journal it has 32 bits.
bool may_be_sent(const AuditedBlock& block) {
    const auto fits = [](std::int64_t value) { return value >= 0 && value <= UINT32_MAX; };
    return fits(block.incarnation) && fits(block.epoch) && fits(block.seq);
}

// Rows that no block of the journal explains.
void check_strangers(const std::string& tenant, const TenantTables& tables, const SentData& sent,
                     const std::string& device, std::vector<std::string>& problems) {
    for (const auto& [block, rows] : tables.rows) {
        if (!device.empty() && block.device != device) continue;
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

Result<void, Message> read_system_table(collector::ObjectStore& lake, const std::string& folder,
                                        const std::vector<std::string>& columns,
                                        const TakeTexts& take) {
    collector::DeltaTable table{lake, folder};
    if (const Status read = table.refresh(); !read.ok())
        return Message{folder + ": " + to_string(read.error())};
    for (const auto& [path, file] : table.state().files) {
        const auto content = table.read(file);
        if (!content.ok()) return Message{folder + "/" + path + ": " + to_string(content.error())};
        if (const Status read = collector::read_text_rows(content.value(), columns, take);
            !read.ok()) {
            return Message{folder + "/" + path + ": " + to_string(read.error())};
        }
    }
    return {};
}

void AuditCounts::add(const AuditCounts& other) {
    blocks += other.blocks;
    samples += other.samples;
    rows += other.rows;
    duplicates += other.duplicates;
    resent += other.resent;
    quarantined += other.quarantined;
    in_flight += other.in_flight;
    awaited += other.awaited;
    lost += other.lost;
    lost_samples += other.lost_samples;
    holes += other.holes;
    wrong += other.wrong;
}

Result<LakeContents, Message> read_lake(collector::ObjectStore& store, const std::string& only) {
    AuditStore lake{store};
    LakeContents contents;
    const auto names = lake.list("");
    if (!names.ok()) return Message{"lake: " + to_string(names.error())};
    for (const std::string& tenant : names.value()) {
        if (!collector::is_name_part(tenant) || (!only.empty() && tenant != only)) continue;
        LH_TRY_ASSIGN(contents[tenant], read_tables(lake, tenant));
    }
    return contents;
}

Result<AuditReport, Message> audit(collector::Journal& journal, const LakeContents& lake,
                                   const std::string& device) {
    const std::string journal_name = uuid_text(journal.id().uuid);
    LH_TRY_ASSIGN(SentData sent, read_sent(journal, device));
    AuditReport report;
    report.problems = std::move(sent.problems);
    for (const auto& [tenant, tables] : lake) {
        report.tables += tables.tables.size();
        check_strangers(tenant, tables, sent, device, report.problems);
    }
    static const TenantTables no_tables;
    std::set<std::pair<std::string, std::string>> devices;
    for (const auto& [name, epoch] : sent.epochs) {
        const auto tables = lake.find(name.tenant);
        EpochAudit one{name, epoch, tables == lake.end() ? no_tables : tables->second, journal_name,
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
