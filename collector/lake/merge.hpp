// Several files of a table become one: the rows of sorted files in their common order, by device
// and event_time; of others one file behind the other. Holds a few pieces of each file in memory.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "collector/lake/parquet_stream.hpp"
#include "collector/lake/row_sum.hpp"

namespace longhaul::collector {

struct MergedFile {
    WrittenFile file;
    RowSum sum;  // of the inputs, as they were read
};

// Asked now and then: true ends the work with the error closed.
using StopAsked = std::function<bool()>;
inline bool nobody_asks() { return false; }
inline Status go_on_unless(const StopAsked& stop) {
    return stop() ? Status{Error{ErrorCode::closed, "it was asked to stop"}} : Status{};
}

// `inputs` are whole files. Error unsupported: one of them has a column that is not among
// `columns`.
Result<MergedFile> merge_files(const std::vector<std::vector<std::byte>>& inputs,
                               const std::vector<Column>& columns, ObjectWriter& out,
                               const StopAsked& stop);

Result<RowSum> sum_of_file(Bytes parquet, const std::vector<Column>& columns,
                           const StopAsked& stop);

}  // namespace longhaul::collector
