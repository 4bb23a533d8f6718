#include "collector/lake/audit_rows.hpp"

#include <algorithm>

#include "collector/lake/delta_log.hpp"
#include "collector/lake/rewritten.hpp"
#include "common/block/limits.hpp"

namespace longhaul::collector {
namespace {

struct SeenRows {
    AuditedRows counts;
    std::vector<bool> seen;  // by row
};

// A block has no more rows than this, so that a damaged number cannot ask for all memory.
constexpr std::int64_t rows_max = limits::block_samples_max;

void count_row(SeenRows& block, const RowName& name) {
    const auto row = static_cast<std::size_t>(name.row);
    if (row >= block.seen.size()) block.seen.resize(row + 1);
    ++(block.seen[row] ? block.counts.duplicates : block.counts.rows);
    block.seen[row] = true;
    block.counts.rows_end = block.seen.size();
    block.counts.received_us = std::min(block.counts.received_us, name.receive_time_us);
}

// What the audit holds in memory of one table.
class RowsByBlock {
 public:
    explicit RowsByBlock(const AuditLimits& limits) : limits_{limits} {}

    // Returns what the file has besides.
    Result<NamelessRows> take(DeltaTable& table, const DataFile& file) {
        LH_TRY_ASSIGN(const auto content, table.read(file));
        bool rows_fit = true;
        LH_TRY_ASSIGN(
            NamelessRows nameless, read_row_names(content, [&](const RowName& name) {
                if (limits_.wanted && !limits_.wanted(name.device)) return;
                rows_fit = rows_fit && name.row >= 0 && name.row < rows_max;
                if (!rows_fit || blocks_.size() > limits_.blocks_max) return;
                count_row(
                    blocks_[{std::string{name.device}, name.incarnation, name.epoch, name.seq}],
                    name);
            }));
        if (rows_fit) return nameless;
        return Error{ErrorCode::corrupt, "a row's position exceeds the limit of a block"};
    }
    const std::map<AuditedBlock, SeenRows>& blocks() const { return blocks_; }

 private:
    const AuditLimits& limits_;
    std::map<AuditedBlock, SeenRows> blocks_;
};

}  // namespace

void AuditedRows::add(const AuditedRows& other) {
    rows += other.rows;
    duplicates += other.duplicates;
    rows_end = std::max(rows_end, other.rows_end);
    received_us = std::min(received_us, other.received_us);
}

Result<AuditedTable> audit_rows(ObjectStore& store, const std::string& folder,
                                const AuditLimits& limits) {
    DeltaTable table{store, folder};
    LH_TRY(table.refresh());
    AuditedTable audited;
    audited.version = table.state().version;
    audited.txns = table.state().txns;
    RowsByBlock rows{limits};
    for (const auto& [path, file] : table.state().files) {
        auto read = rows.take(table, file);
        if (!read.ok()) audited.faults.push_back(path + ": " + to_string(read.error()));
        if (read.ok() && !read.value().empty())
            audited.nameless.emplace(path, std::move(read).value());
        if (rows.blocks().size() > limits.blocks_max)
            return Error{ErrorCode::too_large, "blocks of a table"};
    }
    audited.rewritten = compare_rewritten(store, table, limits);
    for (const auto& [name, block] : rows.blocks()) audited.blocks.emplace(name, block.counts);
    return audited;
}

Result<std::vector<std::string>> data_tables(ObjectStore& store, const std::string& tenant) {
    LH_TRY_ASSIGN(std::vector<std::string> names, store.list(tenant));
    std::erase_if(names, [](const std::string& name) { return name.starts_with('_'); });
    return names;
}

}  // namespace longhaul::collector
