// Batches to Parquet files, and of such files what the audit and the upkeep need.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "collector/lake/batch.hpp"
#include "collector/lake/object_store.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::collector {

struct WrittenFile {
    std::uint64_t bytes = 0;
    Sha256 content{};  // SHA-256 of the file
    std::uint64_t rows = 0;
    std::string stats;  // of Delta, JSON; see delta_stats()
};

// A fresh file: written fast. Writes the rows in the given order. The object is complete but not
// yet finished (named).
Result<WrittenFile> write_parquet(const Batch& batch, const std::vector<std::uint32_t>& order,
                                  ObjectWriter& out);

// Identity of one row, as the audit needs it.
struct RowName {
    std::string_view device;
    std::int64_t incarnation = 0;
    std::int64_t epoch = 0;
    std::int64_t seq = 0;
    std::int64_t row = 0;
    std::int64_t receive_time_us = 0;
};
// How many rows lack a part of the name, by the first column that they lack it in: others have
// added them, because no row of a block does.
using NamelessRows = std::map<std::string, std::uint64_t>;
// Row group by row group, so that a large file takes little room. Rows without a name are counted,
// not taken. Error corrupt: it cannot be read; what comes before that has been taken.
Result<NamelessRows> read_row_names(Bytes parquet, const std::function<void(const RowName&)>& take);

// Which blocks have rows in a file, row group by row group, so that a large file takes little room;
// a block may come more than once.
struct RowsOfBlock {
    std::string_view device;
    std::int64_t incarnation = 0;
    std::int64_t epoch = 0;
    std::int64_t seq = 0;
    friend bool operator==(const RowsOfBlock&, const RowsOfBlock&) = default;
};
// A row that lacks a part of the name was added by others, and is left out. Error corrupt: it
// cannot be read. Returns how many rows there are.
Result<std::uint64_t> read_block_names(Bytes parquet,
                                       const std::function<void(const RowsOfBlock&)>& take);

// A few columns of a small table, as text, in the order asked for; null is empty, and so is a
// column that the file lacks.
Status read_text_rows(Bytes parquet, const std::vector<std::string>& columns,
                      const std::function<void(std::vector<std::string>&)>& take);

// The rows of these columns as they were put into the batch, in the order of the file; a column
// that the file lacks is null. Error corrupt: it cannot be read, or a column has another type.
Result<std::vector<ColumnData>> read_columns(Bytes parquet, const std::vector<Column>& columns);
// The same row group by row group, so that a large file takes less room; `take` is not called for
// one without rows.
Status read_column_groups(Bytes parquet, const std::vector<Column>& columns,
                          const std::function<void(const std::vector<ColumnData>&)>& take);

// The columns of a file of ours that have a value in any row; `kind` is not in the file, and
// all doubles are `real`. Error corrupt: it cannot be read, or is of a type that we do not write.
Result<std::vector<Column>> columns_with_values(Bytes parquet);

}  // namespace longhaul::collector
