#include "collector/lake/rewritten.hpp"

#include <algorithm>
#include <array>

#include "collector/lake/file_names.hpp"
#include "collector/lake/row_sum.hpp"
#include "common/block/limits.hpp"

namespace longhaul::collector {
namespace {

struct NameColumn {
    std::string_view name;
    ColumnType type;
};
constexpr std::array<NameColumn, 5> name_columns{{{"device", ColumnType::string},
                                                  {"incarnation", ColumnType::long_integer},
                                                  {"epoch", ColumnType::long_integer},
                                                  {"seq", ColumnType::long_integer},
                                                  {"row", ColumnType::short_integer}}};
constexpr std::array<std::string_view, 5> other_fixed{"stream", "event_time", "anchor",
                                                      "time_error_us", "receive_time"};
constexpr std::int64_t rows_max = limits::block_samples_max;

// What a block takes beside its rows, in rows.
constexpr std::size_t block_as_rows = 10;

auto find_column(auto& columns, std::string_view name) {
    return std::find_if(columns.begin(), columns.end(),
                        [name](const auto& column) { return column.name == name; });
}

// Those of the name come first, then what the table says is ours.
std::vector<Column> columns_of_table(const std::vector<Column>& columns) {
    std::vector<Column> compared;
    for (const NameColumn& part : name_columns) {
        Column& column = compared.emplace_back();
        column.name = part.name;
        column.type = part.type;
    }
    for (const Column& column : columns) {
        if (find_column(name_columns, column.name) != name_columns.end()) continue;
        const bool fixed =
            std::find(other_fixed.begin(), other_fixed.end(), column.name) != other_fixed.end();
        if (fixed || !column.kind.empty()) compared.push_back(column);
    }
    return compared;
}

enum class Found : std::uint8_t { unknown, changed, same };

struct HeldRow {
    std::uint64_t hash;
    std::uint32_t row;
    Found found;
};

using Take = std::function<void(AuditedBlock block, std::uint32_t row, std::uint64_t hash)>;
using FilesByDay = std::map<std::string, std::vector<const DataFile*>>;

class Comparison {
 public:
    Comparison(ObjectStore& store, DeltaTable& table, const AuditLimits& limits,
               std::size_t rows_held)
        : store_{store},
          table_{table},
          limits_{limits},
          rows_held_{rows_held},
          columns_{columns_of_table(table.state().columns)} {}

    // A second time, when files of ours have columns that the table does not say are ours.
    RewrittenRows run() {
        FilesByDay files;
        for (const auto& [path, file] : table_.state().files)
            if (!parse_data_file_name(path)) files[file.receive_date].push_back(&file);
        for (std::size_t learned = SIZE_MAX; learned != learned_.size();) {
            learned = learned_.size();
            result_ = {};
            compare_files(files);
            take_learned();
        }
        return std::move(result_);
    }

 private:
    void compare_files(const FilesByDay& files) {
        for (const auto& [day, of_day] : files) {
            for (const DataFile* file : of_day) hold(*file);
            compare(day);
        }
    }

    // Calls `take` for each row that has a name.
    Status each_row(Bytes parquet, const Take& take) const {
        return read_column_groups(parquet, columns_, [&](const std::vector<ColumnData>& data) {
            const std::vector<std::uint64_t> hashes = row_hashes(columns_, data, Nans::all_same);
            for (std::size_t i = 0; i < hashes.size(); ++i) {
                const bool named =
                    std::all_of(data.begin(), data.begin() + name_columns.size(),
                                [i](const ColumnData& part) { return part.valid[i]; });
                if (!named) continue;
                const std::int64_t row = data[4].integers[i];
                const std::string_view device = data[0].text(i);
                if (row < 0 || row >= rows_max) continue;
                if (limits_.wanted && !limits_.wanted(device)) continue;
                take({std::string{device}, data[1].integers[i], data[2].integers[i],
                      data[3].integers[i]},
                     static_cast<std::uint32_t>(row), hashes[i]);
            }
        });
    }

    // The rows of a file of another program.
    void hold(const DataFile& file) {
        const auto content = table_.read(file);
        if (!content.ok()) return;  // told by who counts the rows
        const auto hold_row = [&](AuditedBlock block, std::uint32_t row, std::uint64_t hash) {
            std::vector<HeldRow>& rows = held_[std::move(block)];
            room_taken_ += rows.empty() ? block_as_rows + 1 : 1;
            rows.push_back({hash, row, Found::unknown});
            if (room_taken_ >= rows_held_) compare(file.receive_date);
        };
        tell(file.path, each_row(content.value(), hold_row));
    }

    void tell(const std::string& path, const Status& read) {
        if (!read.ok())
            result_.faults.push_back(path +
                                     ": its values cannot be compared: " + to_string(read.error()));
    }

    // With the files of ours that the table had before and that are there still. Several may have
    // a row, because ours are merged, too. Without a day: with all of them.
    void compare(const std::string& day) {
        if (held_.empty()) return;
        sort_held();
        bool deleted = false;
        for (const auto& [uri, removed] : table_.state().removed) {
            const auto path = decoded_path(uri);
            if (!path.ok() || !parse_data_file_name(path.value())) continue;
            if (!day.empty() && !path.value().starts_with("receive_date=" + day + "/")) continue;
            const auto content = store_.read(table_.folder() + "/" + path.value());
            deleted |= !content.ok() && content.error().code == ErrorCode::not_found;
            // One that is damaged says nothing.
            if (content.ok() && check_content(path.value(), content.value()).ok())
                tell(path.value(), compare_with(content.value()));
        }
        count(deleted);
        held_.clear();
        room_taken_ = 0;
    }

    // Of those that stand there twice the first one counts: the others are told anyway.
    void sort_held() {
        for (auto& [block, rows] : held_) {
            std::stable_sort(rows.begin(), rows.end(),
                             [](const HeldRow& a, const HeldRow& b) { return a.row < b.row; });
            const auto same_row = [](const HeldRow& a, const HeldRow& b) { return a.row == b.row; };
            rows.erase(std::unique(rows.begin(), rows.end(), same_row), rows.end());
        }
    }

    // A file of ours.
    Status compare_with(Bytes parquet) {
        LH_TRY_ASSIGN(const std::vector<Column> columns, columns_with_values(parquet));
        for (const Column& column : columns) learn(column);
        return each_row(parquet, [this](AuditedBlock block, std::uint32_t row, std::uint64_t hash) {
            const auto found = held_.find(block);
            if (found == held_.end()) return;
            const auto held = std::lower_bound(
                found->second.begin(), found->second.end(), row,
                [](const HeldRow& one, std::uint32_t wanted) { return one.row < wanted; });
            if (held == found->second.end() || held->row != row || held->found == Found::same)
                return;
            held->found = held->hash == hash ? Found::same : Found::changed;
        });
    }

    // What has a value in a file of ours is ours: those that others have added are null there. So a
    // table that was overwritten without our descriptions or columns is compared all the same.
    void learn(const Column& column) {
        const auto known = find_column(columns_, column.name);
        const bool has = known != columns_.end() &&
                         std::string_view{delta_name(known->type)} == delta_name(column.type);
        if (!has && find_column(learned_, column.name) == learned_.end())
            learned_.push_back(column);
    }

    void take_learned() {
        for (const Column& column : learned_) {
            const auto known = find_column(columns_, column.name);
            if (known == columns_.end())
                columns_.push_back(column);
            else
                known->type = column.type;
        }
    }

    void count(bool deleted) {
        for (const auto& [block, rows] : held_) {
            for (const HeldRow& row : rows) {
                result_.same += row.found == Found::same ? 1 : 0;
                result_.unknown += row.found == Found::unknown ? 1 : 0;
                result_.deleted += deleted && row.found == Found::unknown ? 1 : 0;
                if (row.found == Found::changed) ++result_.changed[block];
            }
        }
    }

    ObjectStore& store_;
    DeltaTable& table_;
    const AuditLimits& limits_;
    std::size_t rows_held_;
    std::vector<Column> columns_;
    std::vector<Column> learned_;
    std::map<AuditedBlock, std::vector<HeldRow>> held_;
    std::size_t room_taken_ = 0;  // by what is held, in rows
    RewrittenRows result_;
};

}  // namespace

RewrittenRows compare_rewritten(ObjectStore& store, DeltaTable& table, const AuditLimits& limits,
                                std::size_t rows_held) {
    return Comparison{store, table, limits, rows_held}.run();
}

}  // namespace longhaul::collector
