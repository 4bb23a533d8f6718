// The lake as the audit needs it.
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
                                   TenantTables& found) {
    return read_system_table(
        lake, tenant + "/_expired",
        {"device", "incarnation", "epoch", "of_table", "first_seq", "last_seq", "rows"},
        [&found](const std::vector<std::string>& row) {
            found.expired[{row[0], number(row[1]), number(row[2])}].insert(
                {row[3], number(row[4]), number(row[5]),
                 static_cast<std::uint64_t>(number(row[6]))});
        });
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
    LH_TRY(read_expired(lake, tenant, found));
    std::vector<std::string> columns = lost_run_columns;
    columns.insert(columns.end(), {"device", "incarnation"});
    LH_TRY(read_system_table(
        lake, tenant + "/_losses", columns, [&](const std::vector<std::string>& row) {
            auto run = lost_run(row);
            if (!run) return;  // of unknown extent: behind the last block, so no hole
            const std::size_t own = lost_run_columns.size();
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

}  // namespace longhaul::tools
