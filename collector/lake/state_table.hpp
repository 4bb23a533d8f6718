// Tables that say how something is now: their rows are replaced, not added to. Specification:
// docs/spec/lake.md, State tables.
#pragma once

#include <string>
#include <string_view>

#include "collector/lake/delta_log.hpp"

namespace longhaul::collector {

// By the name of its folder. What such a table had before is kept for hours, not for days.
bool is_state_table(std::string_view folder);
inline constexpr std::int64_t state_kept_us = std::int64_t{2 * 3600} * 1'000'000;

// The batch's rows instead of all that the table has, in one commit. A table without rows is not
// made. Error out_of_order: another program has changed the table meanwhile.
Status replace_rows(ObjectStore& store, DeltaTable& table, const Batch& batch,
                    const std::string& description, WallUs now);

}  // namespace longhaul::collector
