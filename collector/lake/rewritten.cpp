#include "collector/lake/rewritten.hpp"

#include <algorithm>
#include <array>

#include "collector/lake/file_names.hpp"
#include "collector/lake/row_sum.hpp"
#include "common/block/limits.hpp"

namespace longhaul::collector {
namespace {

constexpr std::array<std::string_view, 5> name_columns{"device", "incarnation", "epoch", "seq",
                                                       "row"};
constexpr std::array<std::string_view, 5> other_fixed{"stream", "event_time", "anchor",
                                                      "time_error_us", "receive_time"};
constexpr std::int64_t rows_max = limits::block_samples_max;

bool has(const auto& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Those of the name come first, then what else is ours; columns that others have added are not
// compared.
std::vector<Column> compared_columns(const std::vector<Column>& columns) {
    std::vector<Column> compared;
    for (const std::string_view name : name_columns) {
        const auto found =
            std::find_if(columns.begin(), columns.end(),
                         [name](const Column& column) { return column.name == name; });
        if (found == columns.end()) return {};
        compared.push_back(*found);
    }
    for (const Column& column : columns) {
        if (has(name_columns, column.name)) continue;
        if (!column.kind.empty() || has(other_fixed, column.name)) compared.push_back(column);
    }
    return compared;
}

enum class Found : std::uint8_t { nothing, unknown, changed, same };

struct HeldRow {
    std::uint64_t hash = 0;
    Found found = Found::nothing;
};

class Comparison {
 public:
    Comparison(ObjectStore& store, DeltaTable& table, const AuditLimits& limits,
               std::size_t rows_held)
        : store_{store},
          table_{table},
          limits_{limits},
          rows_held_{rows_held},
          columns_{compared_columns(table.state().columns)} {}

    RewrittenRows run() {
        std::map<std::string, std::vector<const DataFile*>> of_day;
        for (const auto& [path, file] : table_.state().files)
            if (!parse_data_file_name(path)) of_day[file.receive_date].push_back(&file);
        if (columns_.empty()) return {};
        for (const auto& [day, files] : of_day) {
            for (const DataFile* file : files) {
                hold(*file);
                if (rows_ >= rows_held_) compare(day);
            }
            compare(day);
        }
        return std::move(result_);
    }

 private:
    // Calls `take` with the name and the hash of each row that has one.
    template <class Take>
    Status each_row(Bytes parquet, Take take) const {
        return read_column_groups(parquet, columns_, [&](const std::vector<ColumnData>& data) {
            const std::vector<std::uint64_t> hashes = row_hashes(columns_, data);
            for (std::size_t i = 0; i < hashes.size(); ++i) {
                const bool named =
                    std::all_of(data.begin(), data.begin() + name_columns.size(),
                                [i](const ColumnData& part) { return part.valid[i] != 0; });
                const std::int64_t row = data[4].integers.empty() ? -1 : data[4].integers[i];
                if (!named || row < 0 || row >= rows_max) continue;
                const std::string_view device = data[0].text(i);
                if (limits_.wanted && !limits_.wanted(device)) continue;
                take(AuditedBlock{std::string{device}, data[1].integers[i], data[2].integers[i],
                                  data[3].integers[i]},
                     static_cast<std::size_t>(row), hashes[i]);
            }
        });
    }

    // The rows of a file of another program. Of those that stand there twice the first one counts:
    // the others are told anyway.
    void hold(const DataFile& file) {
        const auto content = table_.read(file);
        if (!content.ok()) return;  // told by who counts the rows
        const Status read = each_row(content.value(), [this](const AuditedBlock& block,
                                                             std::size_t row, std::uint64_t hash) {
            std::vector<HeldRow>& rows = held_[block];
            if (row >= rows.size()) rows.resize(row + 1);
            if (rows[row].found != Found::nothing) return;
            rows[row] = {hash, Found::unknown};
            ++rows_;
        });
        if (!read.ok())
            result_.faults.push_back(file.path +
                                     ": its values cannot be compared: " + to_string(read.error()));
    }

    // With the files of ours that the table had before and that are there still. Several may have
    // a row, because ours are merged, too.
    void compare(const std::string& day) {
        for (const auto& [path, removed] : table_.state().removed) {
            if (rows_ == 0) break;
            if (!parse_data_file_name(path) || !path.starts_with("receive_date=" + day + "/"))
                continue;
            const auto content = store_.read(table_.folder() + "/" + path);
            if (!content.ok() || !check_content(path, content.value()).ok()) continue;
            // What cannot be read has nothing to compare with.
            (void)each_row(content.value(),
                           [this](const AuditedBlock& block, std::size_t row, std::uint64_t hash) {
                               const auto found = held_.find(block);
                               if (found == held_.end() || row >= found->second.size()) return;
                               HeldRow& held = found->second[row];
                               if (held.found == Found::unknown || held.found == Found::changed)
                                   held.found = held.hash == hash ? Found::same : Found::changed;
                           });
        }
        for (const auto& [block, rows] : held_) {
            for (const HeldRow& row : rows) {
                result_.same += row.found == Found::same ? 1 : 0;
                result_.unknown += row.found == Found::unknown ? 1 : 0;
                if (row.found == Found::changed) ++result_.changed[block];
            }
        }
        held_.clear();
        rows_ = 0;
    }

    ObjectStore& store_;
    DeltaTable& table_;
    const AuditLimits& limits_;
    std::size_t rows_held_;
    std::vector<Column> columns_;
    std::map<AuditedBlock, std::vector<HeldRow>> held_;
    std::size_t rows_ = 0;
    RewrittenRows result_;
};

}  // namespace

RewrittenRows compare_rewritten(ObjectStore& store, DeltaTable& table, const AuditLimits& limits,
                                std::size_t rows_held) {
    return Comparison{store, table, limits, rows_held}.run();
}

}  // namespace longhaul::collector
