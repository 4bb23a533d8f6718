#include "collector/lake/retention.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "collector/lake/file_names.hpp"
#include "collector/lake/named_uuid.hpp"
#include "collector/lake/parquet_file.hpp"
#include "common/base/civil_time.hpp"
#include "common/base/crc32c.hpp"

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

// The blocks of some of the devices, those of one `group` of so many `groups`. Error too_large:
// they are more than `names_max`.
struct Group {
    std::uint32_t group = 0;
    std::uint32_t groups = 1;
    std::size_t names_max = 0;

    bool has(std::string_view device) const { return crc32c(as_bytes(device)) % groups == group; }
};
constexpr std::uint32_t groups_max = 1 << 16;

// The numbers of a block have 32 bits; what others have added with more is of none.
bool is_of_block(const BlockKey& key) {
    const auto fits = [](std::int64_t value) { return value >= 0 && value <= UINT32_MAX; };
    return fits(key.incarnation) && fits(key.epoch) && fits(key.seq);
}

// What of the account is in a file of the table.
Status count(const std::string& table, Bytes content, const Group& group, BlockRows& blocks) {
    if (table == "_quarantine") {
        return read_text_rows(content, {"device", "incarnation", "epoch", "seq"},
                              [&](const std::vector<std::string>& row) {
                                  if (row[0].empty() || row[3].empty() || !group.has(row[0]))
                                      return;  // no block
                                  const BlockKey key{row[0], number(row[1]), number(row[2]),
                                                     number(row[3])};
                                  if (is_of_block(key)) ++blocks[key];
                              });
    }
    // What others have added goes with the day: it is of no block, and in no account.
    const auto nameless = read_row_names(content, [&](const RowName& row) {
        if (!group.has(row.device)) return;
        const BlockKey key{std::string{row.device}, row.incarnation, row.epoch, row.seq};
        if (is_of_block(key)) ++blocks[key];
    });
    return nameless.ok() ? Status{} : nameless.error();
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

Result<DataFile> write_totals(ObjectStore& store, const std::string& totals,
                              const std::string& date, const Batch& batch) {
    LH_TRY_ASSIGN(const auto object, store.begin());
    LH_TRY_ASSIGN(WrittenFile written, write_parquet(batch, batch.arrival_order(), *object));
    DataFile file = data_file(date, expired_stem, std::move(written));
    LH_TRY(object->finish(totals + "/" + file.path));
    return file;
}

Result<BlockRows> count_group(DeltaTable& table, const std::vector<DataFile>& files,
                              const Group& group, const StopAsked& stop) {
    BlockRows blocks;
    for (const DataFile& file : files) {
        LH_TRY(go_on_unless(stop));
        LH_TRY_ASSIGN(const auto content, table.read(file));
        LH_TRY(check_content(file.path, content));
        LH_TRY(count(name_of(table.folder()), content, group, blocks));
        if (blocks.size() > group.names_max && group.groups < groups_max)
            return Error{ErrorCode::too_large, "blocks of a day"};
    }
    return blocks;
}

// A day may have more blocks than fit into memory: then devices are taken in groups.
Result<std::vector<DataFile>> count_all(ObjectStore& store, DeltaTable& table,
                                        const std::vector<DataFile>& files,
                                        const std::string& totals, std::size_t names_max,
                                        const StopAsked& stop) {
    Group group{0, 1, names_max};
    std::vector<DataFile> made;
    while (group.group < group.groups) {
        const auto blocks = count_group(table, files, group, stop);
        if (!blocks.ok() && blocks.error().code == ErrorCode::too_large) {
            group = {0, 2 * group.groups, names_max};
            made.clear();
            continue;
        }
        if (!blocks.ok()) return blocks.error();
        ++group.group;
        if (blocks.value().empty()) continue;
        const Batch batch = batch_of(blocks.value(), name_of(table.folder()));
        LH_TRY_ASSIGN(made.emplace_back(),
                      write_totals(store, totals, files[0].receive_date, batch));
    }
    return made;
}

// How often a day of a table was counted, and how often it went: one of these names with its txn in
// each of the two tables. So a second try knows what the first one has done, whatever has become
// of the files meanwhile.
constexpr std::string_view app_prefix = "longhaul-expired/";

// Counts unless that has been done. Returns how often it has been done now; 0: there is nothing to
// count.
Result<std::int64_t> keep_totals(ObjectStore& store, DeltaTable& table,
                                 const std::vector<DataFile>& files, std::int64_t times_gone,
                                 std::size_t names_max, WallUs now, const StopAsked& stop) {
    const std::string name = name_of(table.folder());
    if (name.starts_with('_') && name != "_quarantine") return 0;
    const std::string& date = files[0].receive_date;
    const std::string folder = table.folder();
    DeltaTable totals{store, folder.substr(0, folder.rfind('/') + 1) + std::string{expired_table}};
    LH_TRY(totals.refresh());
    const std::string app = std::string{app_prefix} + name + "/" + date;
    const std::int64_t times = std::max<std::int64_t>(totals.state().txn(app), 0);
    if (times > times_gone) return times;
    LH_TRY_ASSIGN(auto made, count_all(store, table, files, totals.folder(), names_max, stop));
    if (made.empty()) return 0;
    TableCommit commit;
    commit.commit_id = named_uuid(totals.folder() + " " + app + " " + std::to_string(times + 1));
    commit.files = std::move(made);
    commit.txns = {{app, times + 1}};
    commit.columns = expired_columns();
    commit.table_id_if_new = named_uuid(totals.folder());
    commit.description_if_new = "What partitions held that are older than rows are kept";
    commit.now = now;
    LH_TRY(totals.commit(commit));
    return times + 1;
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
                                WallUs now, const StopAsked& stop, std::size_t names_max) {
    ExpiredPartition gone;
    TableCommit commit;
    commit.operation = "DELETE";
    std::string name = table.folder();
    std::vector<DataFile> files;
    for (const auto& [path, file] : table.state().files) {
        if (file.receive_date != date) continue;
        files.push_back(file);
        commit.removed.push_back(path);
        name += " " + path;
        ++gone.files;
        gone.rows += file.rows;
    }
    if (files.empty()) return gone;
    const std::string app = std::string{app_prefix} + date;
    const std::int64_t times_gone = std::max<std::int64_t>(table.state().txn(app), 0);
    LH_TRY_ASSIGN(const std::int64_t times,
                  keep_totals(store, table, files, times_gone, names_max, now, stop));
    if (times != 0) commit.txns = {{app, times}};
    commit.commit_id = named_uuid(name);
    commit.now = now;
    LH_TRY(table.commit(commit));
    return gone;
}

}  // namespace longhaul::collector
