// Parquet files read and written piece by piece, so that files larger than the memory can be
// merged.
#pragma once

#include <memory>
#include <vector>

#include "collector/lake/parquet_file.hpp"

namespace longhaul::collector {

class ParquetReader {
 public:
    // `parquet` outlives it. A column that the file lacks is null in every row. Error unsupported:
    // the file has a column that `columns` do not have, or of another type; corrupt.
    static Result<std::unique_ptr<ParquetReader>> open(Bytes parquet,
                                                       const std::vector<Column>& columns);
    ~ParquetReader();

    // The next rows, at most some thousand; none at the end.
    Result<std::vector<ColumnData>> next();

 private:
    struct Parts;
    explicit ParquetReader(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

// Levels of Zstd: fresh files are to be written fast, merged ones to be small.
inline constexpr int fresh_level = 1;
inline constexpr int merged_level = 3;

class ParquetWriter {
 public:
    // `out` outlives it.
    static Result<std::unique_ptr<ParquetWriter>> open(const std::vector<Column>& columns,
                                                       int zstd_level, ObjectWriter& out);
    ~ParquetWriter();

    // These rows, in this order, become a row group, or several when there are very many.
    Status write(const Batch& batch, const std::vector<std::uint32_t>& order);
    std::uint64_t bytes() const;  // so far
    // The object is complete but not yet finished (named).
    Result<WrittenFile> finish();

 private:
    struct Parts;
    explicit ParquetWriter(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace longhaul::collector
