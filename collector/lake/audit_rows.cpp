#include "collector/lake/audit_rows.hpp"

#include <algorithm>

#include "collector/lake/delta_log.hpp"
#include "collector/lake/parquet_file.hpp"
#include "common/block/limits.hpp"

namespace longhaul::collector {
namespace {

struct SeenRows {
    AuditedRows counts;
    std::vector<bool> seen;  // by row
};

// A block has no more rows than this, so that a damaged number cannot ask for all memory.
constexpr std::int64_t rows_max = limits::block_samples_max;

void count_row(SeenRows& block, std::size_t row) {
    if (row >= block.seen.size()) block.seen.resize(row + 1);
    ++(block.seen[row] ? block.counts.duplicates : block.counts.rows);
    block.seen[row] = true;
}

}  // namespace

Result<AuditedTable> audit_rows(ObjectStore& store, const std::string& folder) {
    DeltaTable table{store, folder};
    LH_TRY(table.refresh());
    std::map<AuditedBlock, SeenRows> blocks;
    bool rows_fit = true;
    const auto take = [&](const RowName& name) {
        if (name.row < 0 || name.row >= rows_max) {
            rows_fit = false;
            return;
        }
        count_row(blocks[{std::string{name.device}, name.incarnation, name.epoch, name.seq}],
                  static_cast<std::size_t>(name.row));
    };
    for (const auto& [path, file] : table.state().files) {
        LH_TRY_ASSIGN(const auto content, table.read(file));
        LH_TRY(read_row_names(content, take));
    }
    if (!rows_fit)
        return Error{ErrorCode::corrupt, "a row's position exceeds the limit of a block"};
    AuditedTable audited{table.state().version, table.state().txns, {}};
    for (const auto& [name, block] : blocks) audited.blocks.emplace(name, block.counts);
    return audited;
}

Result<std::vector<std::string>> data_tables(ObjectStore& store, const std::string& tenant) {
    LH_TRY_ASSIGN(std::vector<std::string> names, store.list(tenant));
    std::erase_if(names, [](const std::string& name) { return name.starts_with('_'); });
    return names;
}

}  // namespace longhaul::collector
