// The lake as the audit needs it.
#include <algorithm>
#include <charconv>

#include "collector/lake/delta_log.hpp"
#include "collector/lake/parquet_file.hpp"
#include "collector/registry/certificate.hpp"
#include "tools/longhaul/audit.hpp"
#include "tools/longhaul/audit_store.hpp"

namespace longhaul::tools {
namespace {

std::int64_t number(const std::string& text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// "acme/thing: 3 rows whose device is null are of no device, another program has added them: in
// a.parquet and 2 more files"
void tell_nameless(const std::string& who, const collector::AuditedTable& table,
                   std::vector<std::string>& problems) {
    struct Found {
        std::uint64_t rows = 0;
        std::size_t files = 0;
        std::string first;
    };
    std::map<std::string, Found> found;  // by column
    for (const auto& [path, nameless] : table.nameless) {
        for (const auto& [column, rows] : nameless) {
            Found& of_column = found[column];
            if (of_column.files == 0) of_column.first = path;
            of_column.rows += rows;
            ++of_column.files;
        }
    }
    for (const auto& [column, all] : found) {
        std::string text = who + ": " + std::to_string(all.rows) + " rows whose " + column +
                           " is null are of no device, another program has added them: in " +
                           all.first;
        if (all.files > 1) text += " and " + std::to_string(all.files - 1) + " more files";
        problems.push_back(std::move(text));
    }
}

// "acme/bus-7 epoch 12: 3 rows in the table gnss have other values than the writer gave them, the
// first in bulk block 41: another program has changed them"
void tell_rewritten(const std::string& tenant, const std::string& table,
                    const collector::RewrittenRows& rows, TenantTables& found) {
    found.rewritten.same += rows.same;
    found.rewritten.unknown += rows.unknown;
    found.rewritten.deleted += rows.deleted;
    for (const std::string& fault : rows.faults)
        found.problems.push_back(tenant + "/" + table + "/" + fault);
    for (auto at = rows.changed.begin(); at != rows.changed.end();) {
        const collector::AuditedBlock& first = at->first;
        std::uint64_t changed = 0;
        for (; at != rows.changed.end() && at->first.device == first.device &&
               at->first.incarnation == first.incarnation && at->first.epoch == first.epoch;
             ++at)
            changed += at->second;
        found.rewritten.changed += changed;
        const BlockSeq seq{static_cast<std::uint32_t>(first.seq)};
        found.problems.push_back(
            tenant + "/" + first.device + " epoch " + std::to_string(first.epoch) + ": " +
            std::to_string(changed) + " rows in the table " + table +
            " have other values than the writer gave them, the first in " +
            std::string{name_of(seq.block_class())} + " block " + std::to_string(seq.number()) +
            ": another program has changed them");
    }
}

// False: there are too many blocks.
Result<bool, Message> read_rows(collector::ObjectStore& lake, const std::string& tenant,
                                const collector::AuditLimits& limits, TenantTables& found) {
    const auto names = collector::data_tables(lake, tenant);
    if (!names.ok()) return Message{"lake: " + to_string(names.error())};
    for (const std::string& name : names.value()) {
        const std::string who = tenant + "/" + name;
        auto table = collector::audit_rows(lake, who, limits);
        if (!table.ok() && table.error().code == ErrorCode::too_large) return false;
        if (!table.ok()) {
            found.problems.push_back(who + ": " + to_string(table.error()));
            continue;
        }
        if (table.value().version < 0) continue;  // a folder of something else
        for (const std::string& fault : table.value().faults)
            found.problems.push_back(who + "/" + fault);
        tell_nameless(who, table.value(), found.problems);
        tell_rewritten(tenant, name, table.value().rewritten, found);
        for (const auto& [block, rows] : table.value().blocks) found.rows[block].add(rows);
        table.value().blocks.clear();
        found.tables.emplace(name, std::move(table).value());
        if (found.rows.size() > limits.blocks_max) return false;
    }
    return true;
}

// The rows of a system table that have a device.
void read_of_devices(collector::ObjectStore& lake, const std::string& folder,
                     const std::vector<std::string>& columns, const TakeTexts& take,
                     std::vector<std::string>& problems) {
    const auto device = static_cast<std::size_t>(
        std::find(columns.begin(), columns.end(), "device") - columns.begin());
    std::uint64_t nameless = 0;
    const auto read =
        read_system_table(lake, folder, columns, [&](const std::vector<std::string>& row) {
            if (row[device].empty())
                ++nameless;
            else
                take(row);
        });
    if (!read.ok()) problems.push_back(read.error().text);
    if (nameless != 0)
        problems.push_back(folder + ": " + std::to_string(nameless) +
                           " rows whose device is null are of no device, another program has "
                           "added them");
}

Result<TenantTables, Message> read_tables(collector::ObjectStore& lake, const std::string& tenant,
                                          const AuditScope& scope,
                                          const collector::AuditLimits& limits, bool* too_many) {
    TenantTables found;
    LH_TRY_ASSIGN(const bool all, read_rows(lake, tenant, limits, found));
    if (too_many != nullptr) *too_many = *too_many || !all;
    if (!all) return found;
    // Schemas and models are there, too, which are no blocks and of no device.
    const auto quarantined = read_system_table(
        lake, tenant + "/_quarantine", {"device", "incarnation", "epoch", "seq"},
        [&](const std::vector<std::string>& row) {
            if (row[0].empty() || row[3].empty() || !scope.has(row[0])) return;
            found.quarantined.insert({row[0], number(row[1]), number(row[2]), number(row[3])});
        });
    if (!quarantined.ok()) found.problems.push_back(quarantined.error().text);
    read_of_devices(
        lake, tenant + "/_expired",
        {"device", "incarnation", "epoch", "of_table", "first_seq", "last_seq", "rows",
         "receive_date"},
        [&](const std::vector<std::string>& row) {
            if (!scope.has(row[0])) return;
            found.expired[{row[0], number(row[1]), number(row[2])}].insert(
                {row[3], number(row[4]), number(row[5]), static_cast<std::uint64_t>(number(row[6])),
                 row[7]});
        },
        found.problems);
    if (const auto told = read_told(lake, tenant, scope, found.told); !told.ok())
        found.problems.push_back(told.error().text);
    std::vector<std::string> columns = lost_run_columns;
    columns.insert(columns.end(), {"device", "incarnation"});
    read_of_devices(
        lake, tenant + "/_losses", columns,
        [&](const std::vector<std::string>& row) {
            const std::size_t own = lost_run_columns.size();
            auto run = lost_run(row);
            if (!run || !scope.has(row[own])) return;  // of unknown extent: behind the last block
            found.lost[{row[own], number(row[own + 1])}].push_back(std::move(*run));
        },
        found.problems);
    for (auto& [device, runs] : found.lost) runs = distinct_runs(std::move(runs));
    return found;
}

}  // namespace

Result<void, Message> read_system_table(collector::ObjectStore& lake, const std::string& folder,
                                        const std::vector<std::string>& columns,
                                        const TakeTexts& take) {
    collector::DeltaTable table{lake, folder};
    if (const Status read = table.refresh(); !read.ok())
        return Message{folder + ": " + to_string(read.error())};
    const auto date = std::find(columns.begin(), columns.end(), "receive_date");
    for (const auto& [path, file] : table.state().files) {
        const auto content = table.read(file);
        if (!content.ok()) return Message{folder + "/" + path + ": " + to_string(content.error())};
        const auto take_row = [&, of = file.receive_date](std::vector<std::string>& row) {
            if (date != columns.end()) row[static_cast<std::size_t>(date - columns.begin())] = of;
            take(row);
        };
        if (const Status read = collector::read_text_rows(content.value(), columns, take_row);
            !read.ok()) {
            return Message{folder + "/" + path + ": " + to_string(read.error())};
        }
    }
    return {};
}

Result<LakeContents, Message> read_lake(collector::ObjectStore& store, const AuditScope& scope,
                                        bool* too_many, std::size_t blocks_max) {
    collector::AuditLimits limits;
    limits.wanted = [&scope](std::string_view device) { return scope.has(device); };
    if (too_many != nullptr) limits.blocks_max = blocks_max;
    AuditStore lake{store};
    LakeContents contents;
    const auto names = lake.list("");
    if (!names.ok()) return Message{"lake: " + to_string(names.error())};
    for (const std::string& tenant : names.value()) {
        if (!collector::is_name_part(tenant) || !scope.has_tenant(tenant)) continue;
        LH_TRY_ASSIGN(contents[tenant], read_tables(lake, tenant, scope, limits, too_many));
        if (too_many != nullptr && *too_many) break;
    }
    return contents;
}

}  // namespace longhaul::tools
