#include "collector/lake/retention.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "collector/lake/file_names.hpp"
#include "collector/lake/named_uuid.hpp"
#include "collector/lake/parquet_file.hpp"
#include "common/base/civil_time.hpp"

namespace longhaul::collector {
namespace {

constexpr std::int64_t day_us = std::int64_t{86'400} * 1'000'000;
// They are small, and the account needs them.
constexpr std::array<std::string_view, 3> kept_for_ever{"_epochs", "_losses", expired_table};

struct BlockKey {
    std::string device;
    std::int64_t incarnation = 0;
    std::int64_t epoch = 0;
    std::int64_t seq = 0;
    friend auto operator<=>(const BlockKey&, const BlockKey&) = default;
};
using BlockRows = std::map<BlockKey, std::int64_t>;

std::string name_of(const std::string& folder) { return folder.substr(folder.rfind('/') + 1); }

Column column(const char* name, ColumnType type, const char* help) {
    Column made;
    made.name = name;
    made.type = type;
    made.help = help;
    return made;
}

std::int64_t number(const std::string& text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// What of the account is in a file of the table.
Status count(const std::string& table, Bytes content, BlockRows& blocks) {
    if (table == "_quarantine") {
        return read_text_rows(
            content, {"device", "incarnation", "epoch", "seq"},
            [&blocks](const std::vector<std::string>& row) {
                if (row[3].empty()) return;  // no block
                ++blocks[{row[0], number(row[1]), number(row[2]), number(row[3])}];
            });
    }
    if (table.starts_with('_')) return {};
    return read_row_names(content, [&blocks](const RowName& row) {
        ++blocks[{std::string{row.device}, row.incarnation, row.epoch, row.seq}];
    });
}

// Blocks that follow each other are one row.
Batch batch_of(const BlockRows& blocks, const std::string& table) {
    Batch batch{expired_columns()};
    for (auto at = blocks.begin(); at != blocks.end();) {
        BlockKey next = at->first;
        std::int64_t rows = 0;
        const BlockKey first = next;
        for (; at != blocks.end() && at->first == next; ++at) {
            rows += at->second;
            ++next.seq;
        }
        batch.begin_row();
        batch.put_text(expired_device, first.device);
        batch.put_integer(expired_incarnation, first.incarnation);
        batch.put_integer(expired_epoch, first.epoch);
        batch.put_text(expired_of_table, table);
        batch.put_integer(expired_first_seq, first.seq);
        batch.put_integer(expired_last_seq, next.seq - 1);
        batch.put_integer(expired_rows, rows);
        batch.end_row();
    }
    return batch;
}

// The same totals give the same file: a second try finds it there.
Status keep_totals(ObjectStore& store, const std::string& folder, const std::string& date,
                   const BlockRows& blocks, WallUs now) {
    if (blocks.empty()) return {};
    const Batch batch = batch_of(blocks, name_of(folder));
    const std::string totals = folder.substr(0, folder.rfind('/') + 1) + std::string{expired_table};
    DeltaTable table{store, totals};
    LH_TRY(table.refresh());
    LH_TRY_ASSIGN(const auto object, store.begin());
    const auto order = batch.arrival_order();
    LH_TRY_ASSIGN(const WrittenFile written, write_parquet(batch, order, *object));
    DataFile file;
    file.path = data_file_path(date, expired_stem, written.content);
    file.receive_date = date;
    file.bytes = written.bytes;
    file.rows = batch.rows();
    file.stats = delta_stats(batch, order);
    LH_TRY(object->finish(totals + "/" + file.path));
    TableCommit commit;
    commit.commit_id = named_uuid(totals + " " + file.path);
    commit.files = {std::move(file)};
    commit.columns = expired_columns();
    commit.table_id_if_new = named_uuid(totals);
    commit.description_if_new = "What partitions held that are older than rows are kept";
    commit.now = now;
    return table.commit(commit);
}

}  // namespace

std::vector<Column> expired_columns() {
    using enum ColumnType;
    return {column("device", string, "name from the device's certificate"),
            column("incarnation", long_integer, "of the device's spool"),
            column("epoch", long_integer, "boot of the device"),
            column("of_table", string, "table whose rows went"),
            column("first_seq", long_integer, "of blocks that follow each other"),
            column("last_seq", long_integer, "of the last of them"),
            column("rows", long_integer, "that these blocks had in the table")};
}

std::optional<std::string> partition_to_expire(const std::string& folder, const TableState& state,
                                               std::int64_t days, WallUs now) {
    const std::string name = name_of(folder);
    if (days <= 0 ||
        std::find(kept_for_ever.begin(), kept_for_ever.end(), name) != kept_for_ever.end())
        return std::nullopt;
    const std::string keep_from = date_text({now.value - days * day_us});
    std::optional<std::string> oldest;
    for (const auto& [path, file] : state.files) {
        if (file.receive_date.empty() || file.receive_date >= keep_from) continue;
        if (!oldest || file.receive_date < *oldest) oldest = file.receive_date;
    }
    return oldest;
}

Result<ExpiredPartition> expire(ObjectStore& store, DeltaTable& table, const std::string& date,
                                WallUs now) {
    ExpiredPartition gone;
    BlockRows blocks;
    TableCommit commit;
    commit.operation = "DELETE";
    std::string name = table.folder();
    for (const auto& [path, file] : table.state().files) {
        if (file.receive_date != date) continue;
        LH_TRY_ASSIGN(const auto content, table.read(file));
        LH_TRY(check_content(path, content));
        LH_TRY(count(name_of(table.folder()), content, blocks));
        commit.removed.push_back(path);
        name += " " + path;
        ++gone.files;
        gone.rows += file.rows;
    }
    LH_TRY(keep_totals(store, table.folder(), date, blocks, now));
    commit.commit_id = named_uuid(name);
    commit.now = now;
    LH_TRY(table.commit(commit));
    return gone;
}

}  // namespace longhaul::collector
