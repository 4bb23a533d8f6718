#include "collector/writer/lake_ranges.hpp"

#include <algorithm>
#include <limits>

#include "collector/lake/file_names.hpp"
#include "collector/lake/parquet_file.hpp"
#include "collector/lake/retention.hpp"
#include "collector/writer/table_buffer.hpp"
#include "collector/writer/table_columns.hpp"
#include "collector/writer/writer.hpp"

namespace longhaul::collector {
namespace {

constexpr std::size_t anchors_kept = 4 * state_limits::anchors_max;
// Of an epoch behind which there is another one, where little is to come and there are many: enough
// to place that by.
constexpr std::size_t anchors_of_the_past = 4;

// What is read of a system table, in this order; each begins with device, incarnation, epoch.
std::vector<Column> wanted_columns(std::string_view table) {
    const std::vector<Column> fixed = fixed_columns();
    std::vector<Column> columns{fixed[column_device], fixed[column_incarnation],
                                fixed[column_epoch]};
    const auto add = [&columns](const std::vector<Column>& all,
                                std::initializer_list<std::size_t> wanted) {
        for (const std::size_t each : wanted) columns.push_back(all[each]);
    };
    if (table == "_epochs")
        add(epoch_columns(), {epoch_receive_time, epoch_previous, epoch_record});
    if (table == "_anchors")
        add(anchor_columns(), {anchor_anchor, anchor_elapsed_us, anchor_wall_us, anchor_error_us});
    if (table == "_losses")
        add(loss_columns(),
            {loss_first_seq, loss_last_epoch, loss_last_seq, loss_reason, loss_class});
    if (table == "_quarantine") add(quarantine_columns(), {quarantine_seq, quarantine_reason});
    if (table == "_expired")
        add(expired_columns(), {expired_of_table, expired_first_seq, expired_last_seq});
    return columns;
}

// Numbers of devices have 32 bits, times end with the year 9999, bounds of error where the writer
// takes none (docs/spec/writer.md, "Time"), and a seq has two bits for its class.
constexpr std::int64_t number_max = UINT32_MAX;
constexpr std::int64_t time_us_max = 253'402'300'799'999'999;
constexpr std::int64_t error_us_max = std::numeric_limits<std::int64_t>::max() / 4;
constexpr std::int64_t class_max = 3;
// "<uuid>/<shard>": names longer than this would not fit into an entry together.
constexpr std::size_t app_bytes_max = 48;

const Error out_of_range{ErrorCode::corrupt, "a value that nothing of ours has"};

// "<shard>-<offset>" of a batch file's end; empty: it is of another kind.
std::string barrier_of(std::string_view path) {
    const DataFileName name = parse_data_file_name(path);
    std::string_view stem = name.stem;
    if (stem.starts_with(late_prefix)) stem.remove_prefix(late_prefix.size());
    const std::size_t first = stem.find('-');
    const std::size_t end = stem.rfind('-');
    if (first == std::string_view::npos || first == end) return {};
    return std::string{stem.substr(0, first)} + std::string{stem.substr(end)};
}

// The last block of its class that there may be.
std::int64_t end_of_class(std::int64_t seq) {
    return seq | static_cast<std::int64_t>(BlockSeq::number_max);
}

}  // namespace

void thin_out(EpochState& epoch, std::size_t max) {
    std::vector<Anchor> all = std::exchange(epoch.anchors, {});
    std::sort(all.begin(), all.end(), [](const Anchor& a, const Anchor& b) { return a.id < b.id; });
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i == 0 || all[i].id != all[i - 1].id) epoch.add_anchor(all[i], max);
    }
}

Status LakeRanges::read() {
    LH_TRY_ASSIGN(const std::vector<StoredObject> tables, store_.entries(tenant_));
    for (const StoredObject& table : tables) {
        if (table.folder) LH_TRY(find_table(table.name));
    }
    find_last_barriers();
    for (DeltaTable& table : found_) LH_TRY(read_table(table));
    for (auto at = epochs_.begin(); at != epochs_.end(); ++at) {
        const auto next = std::next(at);
        const bool goes_on = next == epochs_.end() ||
                             std::get<0>(next->first) != std::get<0>(at->first) ||
                             std::get<1>(next->first) != std::get<1>(at->first);
        thin_out(at->second.state, goes_on ? state_limits::anchors_max : anchors_of_the_past);
    }
    return {};
}

// Tables of which nothing is to be known have commits of other journals all the same.
Status LakeRanges::find_table(const std::string& name) {
    if (name == "_devices" || name == "_gaps") return {};
    DeltaTable table{store_, tenant_ + "/" + name};
    if (const Status read = table.refresh(); !read.ok()) {
        faulty_ = table.faulty().empty() ? table.folder() : table.faulty();
        return read;
    }
    if (table.state().version < 0) return {};  // a folder of something else
    ++progress_.tables;
    AdoptedTable adopted{name, {}};
    for (const auto& [app, version] : table.state().txns) {
        if (!is_of_journal(app)) continue;
        faulty_ = table.folder() + ", a txn";
        if (version < 0 || app.size() > app_bytes_max) return out_of_range;
        adopted.txns.emplace(app, version);
    }
    tables_.push_back(std::move(adopted));
    for (const auto& [path, file] : table.state().files) {
        faulty_ = table.folder() + "/" + path + ", its modificationTime";
        if (file.modified_ms < 0 || file.modified_ms > time_us_max / 1000) return out_of_range;
        newest_ = std::max(newest_, WallUs{file.modified_ms * 1000});
    }
    faulty_.clear();
    found_.push_back(std::move(table));
    return {};
}

// A barrier commits one table after the other. So of rows that came with the furthest offset of a
// shard nobody can tell whether every table got theirs: one that lacks it may have had no rows, and
// one that is not there may have been about to get its first ones.
void LakeRanges::find_last_barriers() {
    AdoptedTxns furthest;
    for (const AdoptedTable& table : tables_) {
        for (const auto& [app, version] : table.txns)
            furthest[app] = std::max(furthest[app], version);
    }
    for (const auto& [app, version] : furthest)
        torn_.insert(app.substr(app.find('/') + 1) + "-" + std::to_string(version));
}

Status LakeRanges::read_table(DeltaTable& table) {
    const std::string name = table.folder().substr(table.folder().rfind('/') + 1);
    const bool wanted = !name.starts_with('_') || wanted_columns(name).size() > 3;
    if (!wanted) return {};
    for (const auto& [path, file] : table.state().files) {
        faulty_ = table.folder() + "/" + path;
        LH_TRY_ASSIGN(const auto content, table.read(file));
        LH_TRY(check_content(path, content));
        LH_TRY(name.starts_with('_') ? read_file(name, content) : read_data(name, path, content));
        if (!absurd_.empty()) faulty_ += ", column " + absurd_;
        if (!absurd_.empty()) return out_of_range;
        ++progress_.files;
        progress_.bytes += content.size();
        tell_(progress_);
    }
    faulty_.clear();
    return {};
}

Status LakeRanges::read_data(const std::string& table, const std::string& path, Bytes content) {
    const bool torn = torn_.contains(barrier_of(path));
    LH_TRY_ASSIGN(
        const std::uint64_t rows, read_block_names(content, [&](const RowsOfBlock& block) {
            AdoptedEpoch* const epoch = find(block.device, block.incarnation, block.epoch, "epoch");
            if (epoch == nullptr || !fits(block.seq, number_max, "seq")) return;
            add_run(*epoch, table, block.seq, block.seq);
            if (torn) add_run(*epoch, torn_blocks, block.seq, block.seq);
        }));
    progress_.rows += rows;
    return {};
}

Status LakeRanges::read_file(const std::string& table, Bytes content) {
    LH_TRY_ASSIGN(const Rows rows, read_columns(content, wanted_columns(table)));
    for (std::size_t row = 0; row < rows[0].valid.size(); ++row) {
        if (table == "_epochs") take_epoch(rows, row);
        if (table == "_anchors") take_anchor(rows, row);
        if (table == "_losses") take_loss(rows, row);
        if (table == "_quarantine") take_quarantined(rows, row);
        if (table == "_expired") take_expired(rows, row);
    }
    return {};
}

bool LakeRanges::fits(std::int64_t value, std::int64_t max, const char* column) {
    if (value >= 0 && value <= max) return true;
    if (absurd_.empty()) absurd_ = column;
    return false;
}

AdoptedEpoch* LakeRanges::find(std::string_view device, std::int64_t incarnation,
                               std::int64_t epoch, const char* column) {
    if (device.empty() || device.size() > limits::name_bytes_max || epoch == 0) return nullptr;
    if (!fits(incarnation, number_max, "incarnation") || !fits(epoch, number_max, column))
        return nullptr;
    const Key key{device, static_cast<std::uint32_t>(incarnation),
                  static_cast<std::uint32_t>(epoch)};
    AdoptedEpoch& found = epochs_[key];
    found.incarnation = static_cast<std::uint32_t>(incarnation);
    found.number = static_cast<std::uint32_t>(epoch);
    if (!found.state.adopted) found.state.adopted.emplace();
    return &found;
}

AdoptedEpoch* LakeRanges::find(const Rows& rows, std::size_t row) {
    if (!rows[0].valid[row] || !rows[1].valid[row] || !rows[2].valid[row]) return nullptr;
    return find(rows[0].text(row), rows[1].integers[row], rows[2].integers[row], "epoch");
}

void LakeRanges::add_run(AdoptedEpoch& epoch, std::string_view table, std::int64_t first,
                         std::int64_t last) {
    LH_CHECK(first >= 0 && first <= number_max && last <= number_max);
    if (last < first) return;
    auto& tables = epoch.state.adopted->tables;
    auto place = tables.find(table);
    if (place == tables.end()) place = tables.emplace(table, SeqRuns{}).first;
    place->second.add({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last)});
}

void LakeRanges::take_epoch(const Rows& rows, std::size_t row) {
    AdoptedEpoch* const epoch = find(rows, row);
    if (epoch == nullptr) return;
    epoch->state.adopted->listed = true;
    if (!fits(rows[3].integers[row], time_us_max, "receive_time")) return;
    const WallUs received{rows[3].integers[row]};
    // The first record of an epoch holds.
    const bool first = epoch->first_heard.value == 0 || received < epoch->first_heard;
    if (first) epoch->first_heard = received;
    if (first && rows[5].valid[row])
        epoch->state.adopted->record = static_cast<std::uint64_t>(rows[5].integers[row]);
    epoch->last_heard = std::max(epoch->last_heard, received);
    // The one before it stored something, so it is one to ask for even if no table has any of it.
    if (rows[4].valid[row])
        (void)find(rows[0].text(row), rows[1].integers[row], rows[4].integers[row],
                   "previous_epoch");
}

void LakeRanges::take_anchor(const Rows& rows, std::size_t row) {
    AdoptedEpoch* const epoch = find(rows, row);
    if (epoch == nullptr) return;
    EpochState& state = epoch->state;
    if (!fits(rows[3].integers[row], INT32_MAX - 1, "anchor")) return;
    if (rows[6].valid[row] && !fits(rows[6].integers[row], error_us_max, "error_us")) return;
    Anchor anchor;
    anchor.id = static_cast<std::int32_t>(rows[3].integers[row]);
    anchor.elapsed_us = rows[4].integers[row];
    anchor.wall_us = rows[5].integers[row];
    if (rows[6].valid[row]) anchor.error_us = static_cast<std::uint64_t>(rows[6].integers[row]);
    state.anchors_made = std::max(state.anchors_made, anchor.id + 1);
    state.anchors.push_back(anchor);
    if (state.anchors.size() > anchors_kept) thin_out(state, state_limits::anchors_max);
}

// A loss without an end reaches to the end of the epoch; one over several epochs is known of the
// first and the last one.
void LakeRanges::take_loss(const Rows& rows, std::size_t row) {
    AdoptedEpoch* const epoch = find(rows, row);
    if (epoch == nullptr) return;
    PowerCut& cut = epoch->state.cut;
    const bool has_first = rows[3].valid[row];
    const bool has_last = rows[5].valid[row];
    // What is null has the value 0 here.
    if (!fits(rows[3].integers[row], number_max, "first_seq") ||
        !fits(rows[4].integers[row], number_max, "last_epoch") ||
        !fits(rows[5].integers[row], number_max, "last_seq") ||
        !fits(rows[7].integers[row], class_max, "class"))
        return;
    if (rows[6].text(row) == "power_cut" && !has_last) {
        const std::int64_t block_class = rows[7].valid[row] ? rows[7].integers[row] : -1;
        cut.any_class = cut.any_class || block_class < 0;
        if (block_class >= 0 && block_class < static_cast<std::int64_t>(block_class_count))
            cut.classes = static_cast<std::uint8_t>(cut.classes | 1U << block_class);
    }
    if (!has_first) {
        cut.any_class = cut.any_class || rows[6].text(row) == "journal_lost";
        return;
    }
    const std::int64_t first = rows[3].integers[row];
    const bool one_epoch = !rows[4].valid[row] || rows[4].integers[row] == epoch->number;
    if (!has_last || !one_epoch) add_run(*epoch, "_losses", first, end_of_class(first));
    if (!has_last) return;
    const std::int64_t last = rows[5].integers[row];
    if (one_epoch) return add_run(*epoch, "_losses", first, last);
    AdoptedEpoch* const end =
        find(rows[0].text(row), rows[1].integers[row], rows[4].integers[row], "last_epoch");
    const std::int64_t zero = last - (last & static_cast<std::int64_t>(BlockSeq::number_max));
    if (end != nullptr) add_run(*end, "_losses", zero + 1, last);
}

void LakeRanges::take_quarantined(const Rows& rows, std::size_t row) {
    if (!rows[3].valid[row]) return;
    AdoptedEpoch* const epoch = find(rows, row);
    if (epoch == nullptr || !fits(rows[3].integers[row], number_max, "seq")) return;
    const bool is_free = leaves_name_free(rows[4].text(row));
    add_run(*epoch, is_free ? refused_blocks : "_quarantine", rows[3].integers[row],
            rows[3].integers[row]);
}

// Rows that were there and have gone with age. Of a block that was in `_quarantine` the bytes have
// gone, and nothing says any more whether its name was taken.
void LakeRanges::take_expired(const Rows& rows, std::size_t row) {
    AdoptedEpoch* const epoch = find(rows, row);
    if (epoch == nullptr || !rows[3].valid[row]) return;
    const std::string_view of_table = rows[3].text(row);
    if (of_table.starts_with('_') && of_table != "_quarantine") return;
    if (of_table.size() > limits::name_bytes_max) absurd_ = "of_table";
    if (!absurd_.empty() || !fits(rows[4].integers[row], number_max, "first_seq") ||
        !fits(rows[5].integers[row], number_max, "last_seq"))
        return;
    add_run(*epoch, of_table == "_quarantine" ? refused_blocks : of_table, rows[4].integers[row],
            rows[5].integers[row]);
}

Status LakeRanges::for_each_epoch(const Take& take) const {
    using Place = std::map<Key, AdoptedEpoch>::const_iterator;
    for (Place at = epochs_.begin(); at != epochs_.end();) {
        const std::string& device = std::get<0>(at->first);
        std::vector<std::pair<WallUs, Place>> incarnations;  // when each was heard last, its first
        for (; at != epochs_.end() && std::get<0>(at->first) == device; ++at) {
            if (incarnations.empty() ||
                incarnations.back().second->second.incarnation != at->second.incarnation)
                incarnations.emplace_back(WallUs{}, at);
            WallUs& heard = incarnations.back().first;
            heard = std::max(heard, at->second.last_heard);
        }
        std::sort(incarnations.begin(), incarnations.end(), [](const auto& a, const auto& b) {
            return std::tie(a.first, a.second->second.incarnation) <
                   std::tie(b.first, b.second->second.incarnation);
        });
        for (const auto& [heard, first] : incarnations) {
            for (Place each = first;
                 each != at && each->second.incarnation == first->second.incarnation; ++each)
                LH_TRY(take(device, each->second));
        }
    }
    return {};
}

}  // namespace longhaul::collector
