// Values in files of other programs, which compact, change or delete rows by writing files of their
// own. Such a file has no name that its content is checked by; but those that it took the place of
// are ours, and are kept for some days (docs/spec/lake.md#clean-up). Each row is compared with what
// they say of it, in all columns that have a value in any of them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "collector/lake/audit_rows.hpp"
#include "collector/lake/delta_log.hpp"

namespace longhaul::collector {

// How many rows are held at a time, at 16 bytes; a block takes the room of some. The files of ours
// are read once for so many.
inline constexpr std::size_t rewritten_rows_held = 4 << 20;

// Rows without a whole name are passed over.
RewrittenRows compare_rewritten(ObjectStore& store, DeltaTable& table, const AuditLimits& limits,
                                std::size_t rows_held = rewritten_rows_held);

}  // namespace longhaul::collector
