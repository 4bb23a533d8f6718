#include "collector/lake/upkeep.hpp"

#include <algorithm>

#include "collector/lake/delta_checkpoint.hpp"
#include "collector/lake/delta_stats.hpp"
#include "collector/lake/file_names.hpp"
#include "collector/lake/retention.hpp"
#include "collector/lake/state_table.hpp"
#include "common/base/civil_time.hpp"

namespace longhaul::collector {
namespace {

constexpr std::int64_t day_us = std::int64_t{86'400} * 1'000'000;
constexpr std::string_view partition_prefix = "receive_date=";

// Not when a file was made: programs that merge files make them of old rows. Where one leaves out
// the statistics, the day says it.
std::int64_t newest_row_ms(const TableState& state) {
    std::string_view last_day;
    for (const auto& [path, file] : state.files)
        last_day = std::max<std::string_view>(last_day, file.receive_date);
    std::int64_t newest_ms = 0;
    for (const auto& [path, file] : state.files) {
        if (file.receive_date != last_day) continue;
        const auto received = newest_receive_time(file.stats);
        const auto day = parse_utc(file.receive_date);
        const std::int64_t latest_ms =
            day ? std::min(file.modified_ms, (day->value + day_us) / 1000) : file.modified_ms;
        newest_ms = std::max(newest_ms, received ? received->value / 1000 : latest_ms);
    }
    return newest_ms;
}

WallUs days_ago(WallUs now, std::int64_t days) { return {now.value - days * day_us}; }

}  // namespace

Result<std::vector<std::string>> Upkeep::folders() {
    std::vector<std::string> folders;
    LH_TRY_ASSIGN(const std::vector<StoredObject> tenants, store_.entries(""));
    for (const StoredObject& tenant : tenants) {
        if (!tenant.folder || tenant.name.starts_with('_')) continue;
        LH_TRY_ASSIGN(const std::vector<StoredObject> tables, store_.entries(tenant.name));
        for (const StoredObject& table : tables) {
            const std::string folder = tenant.name + "/" + table.name;
            if (!table.folder) continue;
            LH_TRY_ASSIGN(const std::vector<std::string> log, store_.list(folder + "/_delta_log"));
            if (!log.empty()) folders.push_back(folder);
        }
    }
    return folders;
}

void Upkeep::look_after_all(unsigned work, WallUs now) {
    const auto found = folders();
    if (!found.ok()) {
        ++counters_.failures;
        return ports_.tell({true, "", "the lake cannot be listed: " + to_string(found.error())});
    }
    for (const std::string& folder : found.value()) {
        if (ports_.stop()) return;
        look_after(folder, work, now);
    }
}

// A commit that came since the last look; what only time changes is for the clean-up.
bool Upkeep::has_news(const std::string& folder) const {
    const auto known = tables_.find(folder);
    if (known == tables_.end()) return true;
    const auto next = store_.read(folder + "/_delta_log/" + commit_name(known->second.version + 1));
    return next.ok() || next.error().code != ErrorCode::not_found;
}

void Upkeep::look_after(const std::string& folder, unsigned work, WallUs now) {
    if ((work & cleaning) == 0 && !has_news(folder)) return;
    DeltaTable table{store_, folder};
    if (!is_done(table.refresh(), table, "the table cannot be read")) return;
    for (const std::string& name : table.damaged_checkpoints())
        tell(true, table, name + " is damaged; the log was read from elsewhere");
    if ((work & cleaning) != 0) expire_table(table, now);
    if ((work & compacting) != 0 && settings_.compaction.target_bytes != 0)
        compact_table(table, now);
    if (ports_.stop()) return;
    if ((work & cleaning) != 0)
        is_done(remove_files(table, now), table, "old files cannot be removed");
    if (ports_.stop()) return;
    if (table.state().version - table.checkpoint() >= settings_.checkpoint_commits)
        is_done(write_checkpoint(table, now), table, "no checkpoint was written");
    if ((work & cleaning) != 0) is_done(cut_log(table, now), table, "the log cannot be cut");
    note_size(table);
}

void Upkeep::look_at(const std::string& folder) {
    DeltaTable table{store_, folder};
    if (!is_done(table.refresh(), table, "the table cannot be read")) return;
    for (const std::string& name : table.damaged_checkpoints())
        tell(true, table, name + " is damaged; the log was read from elsewhere");
    note_size(table);
}

void Upkeep::compact_table(DeltaTable& table, WallUs now) {
    std::set<std::string>& passed_over = passed_over_[table.folder()];
    std::erase_if(passed_over,
                  [&table](const auto& path) { return !table.state().files.contains(path); });
    while (!ports_.stop()) {
        const auto plan = plan_compaction(table.state(), settings_.compaction, now, passed_over);
        if (!plan) return;
        std::string faulty;
        const auto made = compact(store_, table, *plan, now, ports_.stop, faulty);
        if (made.ok()) {
            ++counters_.compactions;
            counters_.merged_files += plan->inputs.size();
            counters_.merged_bytes += plan->bytes;
            tell(false, table,
                 std::to_string(plan->inputs.size()) + " files of " + plan->receive_date +
                     " became " + made.value().path);
            continue;
        }
        const ErrorCode code = made.error().code;
        if (code == ErrorCode::closed) return;
        if (code == ErrorCode::out_of_order) {
            ++counters_.conflicts;
            tell(false, table, "another program has changed files that were being merged");
            return;
        }
        if (faulty.empty()) {
            is_done(made.error(), table, "files were not merged");
            return;
        }
        passed_over.insert(faulty);
        ++counters_.failures;
        tell(true, table, faulty + " is left as it is: " + to_string(made.error()));
    }
}

void Upkeep::expire_table(DeltaTable& table, WallUs now) {
    while (!ports_.stop()) {
        const auto date =
            partition_to_expire(table.folder(), table.state(), settings_.retention_days, now);
        if (!date) return;
        const auto gone = expire(store_, table, *date, now, ports_.stop);
        if (!gone.ok()) {
            is_done(gone.error(), table, "rows that are too old were not removed");
            return;
        }
        counters_.expired_files += gone.value().files;
        counters_.expired_rows += gone.value().rows;
        tell(false, table, std::to_string(gone.value().rows) + " rows of " + *date + " expired");
    }
}

Status Upkeep::write_checkpoint(DeltaTable& table, WallUs now) {
    LH_TRY(table.write_checkpoint(days_ago(now, settings_.removed_days).value / 1000));
    ++counters_.checkpoints;
    return {};
}

// A file that no commit lists may belong to one that is just being made: its age tells.
Status Upkeep::remove_files(DeltaTable& table, WallUs now) {
    LH_TRY(table.refresh());
    const WallUs until = is_state_table(table.folder()) ? WallUs{now.value - state_kept_us}
                                                        : days_ago(now, settings_.removed_days);
    std::set<std::string> live;
    std::map<std::string, std::int64_t> removed;  // when, microseconds
    for (const auto& [path, file] : table.state().files) {
        if (const auto decoded = decoded_path(path); decoded.ok()) live.insert(decoded.value());
    }
    for (const auto& [path, file] : table.state().removed) {
        if (const auto decoded = decoded_path(path); decoded.ok())
            removed[decoded.value()] = file.removed_ms * 1000;
    }
    LH_TRY_ASSIGN(const std::vector<StoredObject> partitions, store_.entries(table.folder()));
    for (const StoredObject& partition : partitions) {
        if (!partition.folder || !partition.name.starts_with(partition_prefix)) continue;
        LH_TRY_ASSIGN(const std::vector<StoredObject> files,
                      store_.entries(table.folder() + "/" + partition.name));
        for (const StoredObject& file : files) {
            const std::string path = partition.name + "/" + file.name;
            if (file.folder || live.contains(path)) continue;
            const auto known = removed.find(path);
            const bool of_nobody = known == removed.end() && parse_data_file_name(path);
            const bool old = known != removed.end() ? known->second <= until.value
                                                    : of_nobody && file.modified <= until;
            if (!old || file.modified > until) continue;
            LH_TRY(go_on_unless(ports_.stop));
            LH_TRY(store_.remove(table.folder() + "/" + path));
            ++counters_.removed_files;
            counters_.removed_bytes += file.bytes;
        }
    }
    return {};
}

// Below a checkpoint that is old enough and whole, and that another one follows. From the beginning
// on: a writer that slept finds out by that (DeltaTable::confirm).
Status Upkeep::cut_log(const DeltaTable& table, WallUs now) {
    const std::string folder = table.folder() + "/_delta_log";
    LH_TRY_ASSIGN(const std::vector<StoredObject> names, store_.entries(folder));
    LH_TRY(thin_checkpoints(folder, names));
    const WallUs until = days_ago(now, settings_.log_days);
    std::vector<std::int64_t> whole;  // the newest, then the one to cut at
    for (auto name = names.rbegin(); name != names.rend() && whole.size() < 2; ++name) {
        const std::int64_t version = checkpoint_version(name->name);
        if (version < 0 || (!whole.empty() && name->modified > until)) continue;
        const auto bytes = store_.read(folder + "/" + name->name);
        if (!bytes.ok() && bytes.error().code != ErrorCode::not_found) return bytes.error();
        if (bytes.ok() && read_checkpoint(bytes.value(), false).ok()) whole.push_back(version);
    }
    if (whole.size() < 2) return {};
    for (const StoredObject& name : names) {
        const std::int64_t commit = commit_version(name.name);
        const std::int64_t version = std::max(commit, checkpoint_version(name.name));
        if (version < 0 || version >= whole[1]) continue;
        LH_TRY(go_on_unless(ports_.stop));
        LH_TRY(store_.remove(folder + "/" + name.name));
        if (commit >= 0) ++counters_.removed_commits;
    }
    return {};
}

// The two newest stay, and one of each day: those of a large table are large.
Status Upkeep::thin_checkpoints(const std::string& folder, const std::vector<StoredObject>& names) {
    std::vector<const StoredObject*> checkpoints;
    for (const StoredObject& name : names) {
        if (checkpoint_version(name.name) >= 0) checkpoints.push_back(&name);
    }
    std::string day;
    for (std::size_t i = 0; i + 2 < checkpoints.size(); ++i) {
        const std::string own = date_text(checkpoints[i]->modified);
        if (own == day) LH_TRY(store_.remove(folder + "/" + checkpoints[i]->name));
        day = own;
    }
    return {};
}

void Upkeep::note_size(const DeltaTable& table) {
    TableSize size{
        table.state().version, table.checkpoint(), 0, 0, 0, table.state().removed.size(), 0};
    size.grown_ms = newest_row_ms(table.state());
    for (const auto& [path, file] : table.state().files) {
        ++size.files;
        size.rows += file.rows;
        size.bytes += file.bytes;
    }
    tables_[table.folder()] = size;
}

bool Upkeep::is_done(const Status& status, const DeltaTable& table, const char* what) {
    if (status.ok()) return true;
    if (status.error().code == ErrorCode::closed && ports_.stop()) return false;
    ++counters_.failures;
    const std::string at = table.faulty().empty() ? "" : " (" + table.faulty() + ")";
    tell(true, table, std::string{what} + ": " + to_string(status.error()) + at);
    return false;
}

void Upkeep::tell(bool problem, const DeltaTable& table, std::string text) {
    ports_.tell({problem, table.folder(), std::move(text)});
}

}  // namespace longhaul::collector
