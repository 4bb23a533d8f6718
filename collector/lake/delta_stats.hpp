// Statistics of a data file, in the JSON that engines prune with (Delta protocol, "Per-file
// Statistics").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/lake/batch.hpp"
#include "common/base/time.hpp"

namespace parquet {
class FileMetaData;
}

namespace longhaul::collector {

// What the footer of a file of these columns says of its rows. Columns with NaN (`unordered`) have
// no bounds, because engines differ in where it stands.
std::string delta_stats(const parquet::FileMetaData& footer, const std::vector<Column>& columns,
                        const std::vector<bool>& unordered);

// When the newest row was received, in whole seconds, by the statistics of whatever program; none:
// they do not say.
std::optional<WallUs> newest_receive_time(std::string_view stats);

}  // namespace longhaul::collector
