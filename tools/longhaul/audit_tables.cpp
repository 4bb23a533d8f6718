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

Result<void, Message> read_expired(collector::ObjectStore& lake, const std::string& tenant,
                                   const AuditScope& scope, TenantTables& found) {
    return read_system_table(lake, tenant + "/_expired",
                             {"device", "incarnation", "epoch", "of_table", "first_seq", "last_seq",
                              "rows", "receive_date"},
                             [&](const std::vector<std::string>& row) {
                                 if (!scope.has(row[0])) return;
                                 found.expired[{row[0], number(row[1]), number(row[2])}].insert(
                                     {row[3], number(row[4]), number(row[5]),
                                      static_cast<std::uint64_t>(number(row[6])), row[7]});
                             });
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
        for (const auto& [block, rows] : table.value().blocks) found.rows[block].add(rows);
        table.value().blocks.clear();
        found.tables.emplace(name, std::move(table).value());
        if (found.rows.size() > limits.blocks_max) return false;
    }
    return true;
}

Result<TenantTables, Message> read_tables(collector::ObjectStore& lake, const std::string& tenant,
                                          const AuditScope& scope,
                                          const collector::AuditLimits& limits, bool* too_many) {
    TenantTables found;
    LH_TRY_ASSIGN(const bool all, read_rows(lake, tenant, limits, found));
    if (too_many != nullptr) *too_many = *too_many || !all;
    if (!all) return found;
    const auto keep = [&found](const Result<void, Message>& read) {
        if (!read.ok()) found.problems.push_back(read.error().text);
    };
    keep(read_system_table(lake, tenant + "/_quarantine", {"device", "incarnation", "epoch", "seq"},
                           [&](const std::vector<std::string>& row) {
                               if (row[3].empty() || !scope.has(row[0])) return;
                               found.quarantined.insert(
                                   {row[0], number(row[1]), number(row[2]), number(row[3])});
                           }));
    keep(read_expired(lake, tenant, scope, found));
    keep(read_told(lake, tenant, scope, found.told));
    std::vector<std::string> columns = lost_run_columns;
    columns.insert(columns.end(), {"device", "incarnation"});
    keep(read_system_table(
        lake, tenant + "/_losses", columns, [&](const std::vector<std::string>& row) {
            const std::size_t own = lost_run_columns.size();
            auto run = lost_run(row);
            if (!run || !scope.has(row[own])) return;  // of unknown extent: behind the last block
            found.lost[{row[own], number(row[own + 1])}].push_back(std::move(*run));
        }));
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
