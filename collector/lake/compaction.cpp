#include "collector/lake/compaction.hpp"

#include <algorithm>

#include "collector/lake/file_names.hpp"
#include "collector/lake/named_uuid.hpp"
#include "common/base/civil_time.hpp"

namespace longhaul::collector {
namespace {

// Rows that came before midnight are committed a little later.
constexpr std::int64_t day_over_after_us = std::int64_t{3600} * 1'000'000;
// Smaller ones are always worth a merge.
constexpr std::uint64_t small_bytes = 1 << 20;

using Group = std::pair<std::string, bool>;  // day, late

// From the smallest on: a large file is written again only together with as many bytes that are
// new, so that each row is written again a few times and not with every merge.
CompactionPlan plan_of(const Group& group, std::vector<const DataFile*> files, bool day_over,
                       const CompactionSettings& settings) {
    std::sort(files.begin(), files.end(), [](const DataFile* a, const DataFile* b) {
        return std::tie(a->bytes, a->path) < std::tie(b->bytes, b->path);
    });
    CompactionPlan plan{group.first, group.second, {}, 0};
    for (const DataFile* file : files) {
        const bool worth_it = day_over || file->bytes <= std::max(small_bytes, plan.bytes);
        if (!worth_it || plan.inputs.size() == settings.files_max ||
            plan.bytes + file->bytes > settings.target_bytes)
            break;
        plan.inputs.push_back(*file);
        plan.bytes += file->bytes;
    }
    // In the order in which they were written, for tables that are not sorted.
    std::sort(plan.inputs.begin(), plan.inputs.end(), [](const DataFile& a, const DataFile& b) {
        return std::tie(a.modified_ms, a.path) < std::tie(b.modified_ms, b.path);
    });
    return plan;
}

// As the file is read back. If that is given up, the file stays: another program may have made and
// listed the same one. Otherwise the next merge makes it again, or it is of nobody and goes.
Result<bool> has_rows(DeltaTable& table, const DataFile& made, const RowSum& wanted,
                      const StopAsked& stop) {
    LH_TRY_ASSIGN(const auto there, table.read(made));
    LH_TRY(check_content(made.path, there));
    LH_TRY_ASSIGN(const RowSum sum, sum_of_file(there, table.state().columns, stop));
    return sum == wanted && sum.rows == made.rows;
}

}  // namespace

std::optional<CompactionPlan> plan_compaction(const TableState& state,
                                              const CompactionSettings& settings, WallUs now,
                                              const std::set<std::string>& passed_over) {
    std::map<Group, std::vector<const DataFile*>> groups;
    for (const auto& [path, file] : state.files) {
        const DataFileName name = parse_data_file_name(path);
        if (!name || name.stem == expired_stem || name.stem == state_stem ||
            passed_over.contains(path))
            continue;
        if (file.bytes < settings.target_bytes / 2)
            groups[{file.receive_date, name.late}].push_back(&file);
    }
    const std::string today = date_text({now.value - day_over_after_us});
    for (const auto& [group, files] : groups) {
        const bool day_over = group.first < today;
        CompactionPlan plan = plan_of(group, files, day_over, settings);
        const std::size_t files_min = day_over ? 2 : std::max<std::size_t>(settings.files_min, 2);
        if (plan.inputs.size() >= files_min) return plan;
    }
    return std::nullopt;
}

Result<DataFile> compact(ObjectStore& store, DeltaTable& table, const CompactionPlan& plan,
                         WallUs now, const StopAsked& stop, std::string& faulty) {
    const std::vector<Column> columns = table.state().columns;
    std::vector<std::vector<std::byte>> inputs;
    std::uint64_t rows = 0;  // as the log says
    for (const DataFile& file : plan.inputs) {
        faulty.clear();
        LH_TRY(go_on_unless(stop));
        faulty = file.path;
        LH_TRY_ASSIGN(inputs.emplace_back(), table.read(file));
        LH_TRY(check_content(file.path, inputs.back()));
        // Once more when all are merged; here the one that has other columns is known.
        LH_TRY(ParquetReader::open(inputs.back(), columns));
        rows += file.rows;
    }
    faulty.clear();
    LH_TRY_ASSIGN(const auto object, store.begin());
    LH_TRY_ASSIGN(MergedFile merged, merge_files(inputs, columns, *object, stop));
    inputs.clear();
    DataFile made =
        data_file(plan.receive_date, plan.late ? "late-merged" : "merged", std::move(merged.file));
    LH_TRY(go_on_unless(stop));
    const std::string path = table.folder() + "/" + made.path;
    LH_TRY(object->finish(path));
    LH_TRY_ASSIGN(const bool same, has_rows(table, made, merged.sum, stop));
    if (!same || made.rows != rows) {
        LH_TRY(store.remove(path));
        return Error{ErrorCode::io, "a merged file does not hold the rows that it was made of"};
    }
    TableCommit commit;
    commit.operation = "OPTIMIZE";
    commit.new_data = false;
    commit.files = {made};
    for (const DataFile& file : plan.inputs) commit.removed.push_back(file.path);
    commit.commit_id = named_uuid(table.folder() + " " + made.path);
    commit.now = now;
    LH_TRY(table.commit(commit));
    return made;
}

}  // namespace longhaul::collector
