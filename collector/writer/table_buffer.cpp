#include "collector/writer/table_buffer.hpp"

#include <algorithm>
#include <map>

#include "collector/lake/file_names.hpp"
#include "collector/lake/named_uuid.hpp"
#include "collector/lake/parquet_file.hpp"
#include "collector/writer/table_columns.hpp"
#include "common/base/wrapping.hpp"

namespace longhaul::collector {
namespace {

// Devices that are connected send within seconds, or when they wake up again.
constexpr std::int64_t late_us = std::int64_t{3600} * 1'000'000;
constexpr const char* mark_suffix = "/entry";

}  // namespace

TableBuffer::TableBuffer(ObjectStore& store, std::string folder, std::string journal,
                         std::vector<Column> columns, bool sorted)
    : store_{store},
      table_{store, std::move(folder), DeltaTable::Keep::no_files},
      journal_{std::move(journal)},
      columns_{std::move(columns)},
      sorted_{sorted} {}

bool is_of_journal(std::string_view app) {
    constexpr std::size_t uuid_length = 36;
    if (app.size() <= uuid_length + 1 || app[uuid_length] != '/') return false;
    const std::string_view shard = app.substr(uuid_length + 1);
    return std::count(app.begin(), app.end(), '-') == 4 &&
           std::all_of(shard.begin(), shard.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string app_name(const std::string& journal, Shard shard) {
    return journal + "/" + std::to_string(shard);
}

std::optional<EntryMark> entry_mark(const TableState& state, const std::string& journal,
                                    Shard shard) {
    const std::string app = app_name(journal, shard);
    const std::int64_t end = state.txn(app);
    if (end <= 0) return std::nullopt;
    return EntryMark::unpack(state.txn(app + mark_suffix), static_cast<Offset>(end));
}

// A journal that goes on with commits although it was adopted is in use somewhere; so may be this
// one, when another has adopted it.
Status TableBuffer::check_journals(const TableState& state) const {
    for (const auto& [app, version] : state.txns) {
        if (!is_of_journal(app) || app.starts_with(journal_)) continue;
        const auto known = adopted_.find(app);
        if (known == adopted_.end())
            return Error{ErrorCode::denied,
                         "it holds rows of another journal. Use that journal; if it is lost, "
                         "`longhaul adopt` lets this one go on with the lake"};
        if (version > known->second)
            return Error{ErrorCode::denied,
                         "a journal that was adopted has committed since: a collector still runs "
                         "on it. Stop that one, and run `longhaul adopt` again"};
    }
    return {};
}

Status TableBuffer::check_own_txns(const TableState& state, const std::string& journal,
                                   std::span<const Offset> ends) {
    for (Shard shard = 0; shard < ends.size(); ++shard) {
        const std::int64_t txn = state.txn(app_name(journal, shard));
        if (txn > static_cast<std::int64_t>(ends[shard])) {
            return Error{ErrorCode::denied,
                         "it holds rows from behind the end of this journal, which is an older "
                         "copy. Use the newest; if that is lost, `longhaul adopt` lets this one "
                         "go on with the lake"};
        }
    }
    return {};
}

// Its newest commit decides what is left out of a replay, and a snapshot then says so for good.
Status TableBuffer::open(std::span<const Offset> ends_at_start, AdoptedTxns adopted) {
    adopted_ = std::move(adopted);
    LH_TRY(store_.make_durable(folder() + "/_delta_log"));
    LH_TRY(table_.refresh());
    LH_TRY(check_journals(table_.state()));
    LH_TRY(check_own_txns(table_.state(), journal_, ends_at_start));
    txns_ = table_.state().txns;
    for (const Column& column : table_.state().columns) (void)column_for(column, {});
    return {};
}

std::int64_t TableBuffer::txn(Shard shard) const {
    const auto found = txns_.find(app_of(shard));
    return found == txns_.end() ? -1 : found->second;
}

bool TableBuffer::has(Shard shard, Offset end) const {
    return static_cast<std::int64_t>(end) <= txn(shard);
}

std::size_t TableBuffer::column_for(const Column& wanted, std::span<const std::size_t> taken) {
    const ColumnPlace place = place_of(wanted, columns_, taken);
    if (place.position) {
        widen(columns_[*place.position], wanted);
        return *place.position;
    }
    Column column = wanted;
    column.name = place.name;
    columns_.push_back(column);
    for (auto& [key, pending] : batches_) pending.batch.add_column(column);
    return columns_.size() - 1;
}

Batch& TableBuffer::batch(Shard shard, const std::string& receive_date, Offset offset) {
    const Key key{shard, receive_date};
    auto place = batches_.find(key);
    if (place == batches_.end())
        place = batches_.emplace(key, Pending{Batch{columns_}, offset}).first;
    return place->second.batch;
}

std::size_t TableBuffer::rows() const {
    std::size_t rows = 0;
    for (const auto& [key, pending] : batches_) rows += pending.batch.rows();
    return rows;
}

std::size_t TableBuffer::bytes() const {
    std::size_t bytes = 0;
    for (const auto& [key, pending] : batches_) bytes += pending.batch.bytes();
    return bytes;
}

// Rows of a data table that came long after they had been sampled go to a file of their own: with
// them every file would reach far back, and no engine could leave one out.
Status TableBuffer::write_one_file(const std::vector<EntryMark>& lasts) {
    const auto place = batches_.begin();
    const auto& [key, pending] = *place;
    const std::string stem = std::to_string(key.shard) + "-" + std::to_string(pending.first) + "-" +
                             std::to_string(lasts[key.shard].end);
    auto order = sorted_ ? pending.batch.order_by(column_device, column_event_time)
                         : pending.batch.arrival_order();
    auto late = order.end();
    if (sorted_) {
        const ColumnData& event = pending.batch.data(column_event_time);
        const ColumnData& receive = pending.batch.data(column_receive_time);
        late = std::stable_partition(order.begin(), order.end(), [&](std::uint32_t row) {
            return event.integers[row] > wrapping_subtract(receive.integers[row], late_us);
        });
    }
    const std::vector<std::uint32_t> late_rows{late, order.end()};
    order.erase(late, order.end());
    std::vector<DataFile> made;
    for (const auto* const rows : {&std::as_const(order), &late_rows}) {
        if (rows->empty()) continue;
        const std::string name = (rows == &late_rows ? std::string{late_prefix} : "") + stem;
        LH_TRY_ASSIGN(DataFile file, write_file(pending.batch, *rows, key.receive_date, name));
        made.push_back(std::move(file));
    }
    files_.insert(files_.end(), made.begin(), made.end());
    batches_.erase(place);
    return {};
}

Result<DataFile> TableBuffer::write_file(const Batch& batch, const std::vector<std::uint32_t>& rows,
                                         const std::string& receive_date, const std::string& stem) {
    LH_TRY_ASSIGN(const auto object, store_.begin());
    LH_TRY_ASSIGN(WrittenFile written, write_parquet(batch, rows, *object));
    DataFile file = data_file(receive_date, stem, std::move(written));
    LH_TRY(object->finish(folder() + "/" + file.path));
    return file;
}

// A commit that could not be written for days comes late: clean-up may have taken its files for
// somebody's leftovers. The journal still has their rows.
Status TableBuffer::find_files() {
    std::map<std::string, std::vector<std::string>> folders;
    for (const DataFile& file : files_) {
        const std::size_t slash = file.path.rfind('/');
        const std::string path = folder() + "/" + file.path.substr(0, slash);
        auto [names, is_new] = folders.try_emplace(path);
        if (is_new) {
            LH_TRY_ASSIGN(names->second, store_.list(path));
        }
        if (!std::binary_search(names->second.begin(), names->second.end(),
                                file.path.substr(slash + 1)))
            return Error{ErrorCode::denied,
                         "a batch file was removed before its commit; start the collector "
                         "again, the journal has its rows"};
    }
    return {};
}

Status TableBuffer::commit(const std::vector<EntryMark>& lasts, WallUs now) {
    LH_TRY(find_files());
    TableCommit commit;
    commit.files = files_;
    std::string name = journal_ + " " + folder();
    commit.table_id_if_new = named_uuid(name);
    for (Shard shard = 0; shard < lasts.size(); ++shard) {
        // In a replay one shard may still be read where the table has been, while another is new.
        const auto end = static_cast<std::int64_t>(lasts[shard].end);
        const std::int64_t reached = std::max(end, txn(shard));
        if (end > txn(shard)) commit.txns[app_of(shard) + mark_suffix] = lasts[shard].packed();
        commit.txns[app_of(shard)] = reached;
        name += " " + std::to_string(reached);
    }
    commit.commit_id = named_uuid(name);
    commit.description_if_new = table_description(folder().substr(folder().rfind('/') + 1));
    commit.columns = columns_;
    commit.now = now;
    // A try that failed may have read what another collector has committed.
    commit.txns_before = txns_;
    LH_TRY(
        table_.commit(commit, [this](const TableState& state) { return check_journals(state); }));
    txns_ = table_.state().txns;
    files_.clear();
    return {};
}

}  // namespace longhaul::collector
