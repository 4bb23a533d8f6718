// Batches as Arrow's columns, and back: what writing and reading of Parquet files share.
#pragma once

#include <arrow/api.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "collector/lake/batch.hpp"
#include "common/base/result.hpp"

namespace longhaul::collector {

inline constexpr std::size_t row_group_rows = 1 << 20;

std::shared_ptr<arrow::DataType> arrow_type(ColumnType type);
// None: we write no such columns. `real` for all doubles.
std::optional<ColumnType> column_type(const arrow::DataType& type);
std::shared_ptr<arrow::Schema> arrow_schema(const std::vector<Column>& columns);
std::shared_ptr<parquet::WriterProperties> writer_properties(const std::vector<Column>& columns,
                                                             int zstd_level);
// For each column of a file whether one of its values is NaN. Parquet's bounds do not tell: they
// leave such values out.
using Unordered = std::vector<bool>;
// The rows of a batch in this order. One column at a time is in memory a second time. Notes in
// `unordered`, whose size is that of the columns.
arrow::Status write_rows(const Batch& batch, std::span<const std::uint32_t> order,
                         parquet::arrow::FileWriter& file, Unordered& unordered);

// Behind `data`, whose values are of this type. False: the array's are of another one.
bool append_array(const arrow::Array& array, ColumnType type, ColumnData& data);
void append_nulls(std::int64_t count, ColumnData& data);

}  // namespace longhaul::collector
