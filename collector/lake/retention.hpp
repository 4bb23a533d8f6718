// Partitions that are older than they are to be kept go, and what they held stays in the tenant's
// table `_expired`, so that the account still closes. Specification: docs/spec/lake.md.
#pragma once

#include <optional>

#include "collector/lake/delta_log.hpp"
#include "collector/lake/merge.hpp"

namespace longhaul::collector {

inline constexpr std::string_view expired_table = "_expired";

enum ExpiredColumn : std::size_t {
    expired_device,
    expired_incarnation,
    expired_epoch,
    expired_of_table,
    expired_first_seq,
    expired_last_seq,
    expired_rows,
};
std::vector<Column> expired_columns();

// The oldest partition that is older than `days`; none: nothing is, or the table is one of those
// that are kept for ever.
std::optional<std::string> partition_to_expire(const std::string& folder, const TableState& state,
                                               std::int64_t days, WallUs now);

struct ExpiredPartition {
    std::uint64_t files = 0;
    std::uint64_t rows = 0;
};
// At most `names_max` names of blocks are held in memory. Error corrupt: a file cannot be counted,
// and the partition stays; out_of_order: it has changed meanwhile, nothing went; closed: it was
// asked to stop, the same.
Result<ExpiredPartition> expire(ObjectStore& store, DeltaTable& table, const std::string& date,
                                WallUs now, const StopAsked& stop = nobody_asks,
                                std::size_t names_max = 500'000);

}  // namespace longhaul::collector
