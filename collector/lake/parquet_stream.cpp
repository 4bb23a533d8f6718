#include "collector/lake/parquet_stream.hpp"

#include <arrow/api.h>
#include <arrow/io/api.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>

#include <algorithm>

#include "collector/lake/arrow_columns.hpp"
#include "collector/lake/delta_stats.hpp"
#include "collector/lake/hashing_stream.hpp"

namespace longhaul::collector {
namespace {

// Many files are open at a time: a piece is this large, as far as the file's footer tells.
constexpr std::int64_t piece_bytes = 2 << 20;
constexpr std::int64_t piece_rows_min = 64;
constexpr std::int64_t piece_rows_max = 16 << 10;

Error damaged() { return {ErrorCode::corrupt, "a Parquet file cannot be read"}; }

std::int64_t rows_of_piece(const parquet::FileMetaData& file) {
    std::int64_t bytes = 0;
    for (int group = 0; group < file.num_row_groups(); ++group)
        bytes += file.RowGroup(group)->total_byte_size();
    const std::int64_t rows = std::max<std::int64_t>(file.num_rows(), 1);
    const std::int64_t row_bytes = std::max<std::int64_t>(bytes / rows, 1);
    return std::clamp(piece_bytes / row_bytes, piece_rows_min, piece_rows_max);
}

std::shared_ptr<arrow::io::RandomAccessFile> file_of(Bytes parquet) {
    return std::make_shared<arrow::io::BufferReader>(
        std::make_shared<arrow::Buffer>(reinterpret_cast<const std::uint8_t*>(parquet.data()),
                                        static_cast<std::int64_t>(parquet.size())));
}

}  // namespace

struct ParquetReader::Parts {
    std::vector<Column> columns;
    std::vector<int> positions;  // in the file; -1: it lacks the column
    std::unique_ptr<parquet::arrow::FileReader> file;
    std::unique_ptr<arrow::RecordBatchReader> batches;  // ends before `file`

    arrow::Status open(Bytes parquet) {
        parquet::arrow::FileReaderBuilder builder;
        ARROW_RETURN_NOT_OK(builder.Open(file_of(parquet)));
        parquet::ArrowReaderProperties properties;
        properties.set_batch_size(rows_of_piece(*builder.raw_reader()->metadata()));
        builder.properties(properties);
        ARROW_ASSIGN_OR_RAISE(file, builder.Build());
        ARROW_ASSIGN_OR_RAISE(batches, file->GetRecordBatchReader());
        return arrow::Status::OK();
    }

    bool find_columns() {
        const arrow::Schema& schema = *batches->schema();
        int known = 0;
        for (const Column& column : columns) {
            const int position = schema.GetFieldIndex(column.name);
            if (position >= 0 && !schema.field(position)->type()->Equals(arrow_type(column.type))) {
                return false;
            }
            if (position >= 0) ++known;
            positions.push_back(position);
        }
        return known == schema.num_fields();
    }
};

ParquetReader::ParquetReader(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {}
ParquetReader::~ParquetReader() { parts_->batches.reset(); }

Result<std::unique_ptr<ParquetReader>> ParquetReader::open(Bytes parquet,
                                                           const std::vector<Column>& columns) {
    auto parts = std::make_unique<Parts>();
    parts->columns = columns;
    if (!parts->open(parquet).ok()) return damaged();
    if (!parts->find_columns())
        return Error{ErrorCode::unsupported, "a Parquet file has columns that are not ours"};
    return std::unique_ptr<ParquetReader>{new ParquetReader{std::move(parts)}};
}

Result<std::vector<ColumnData>> ParquetReader::next() {
    std::vector<ColumnData> data;
    for (;;) {
        const auto read = parts_->batches->Next();
        if (!read.ok()) return damaged();
        const std::shared_ptr<arrow::RecordBatch>& batch = *read;
        if (batch == nullptr) return data;
        if (batch->num_rows() == 0) continue;
        data.resize(parts_->columns.size());
        for (std::size_t i = 0; i < data.size(); ++i) {
            if (parts_->positions[i] < 0) {
                append_nulls(batch->num_rows(), data[i]);
            } else if (!append_array(*batch->column(parts_->positions[i]), parts_->columns[i].type,
                                     data[i])) {
                return damaged();
            }
        }
        return data;
    }
}

struct ParquetWriter::Parts {
    std::vector<Column> columns;
    std::shared_ptr<HashingStream> stream;
    std::unique_ptr<parquet::arrow::FileWriter> file;
    Unordered unordered;

    arrow::Status open(int zstd_level) {
        ARROW_ASSIGN_OR_RAISE(file, parquet::arrow::FileWriter::Open(
                                        *arrow_schema(columns), arrow::default_memory_pool(),
                                        stream, writer_properties(columns, zstd_level)));
        return arrow::Status::OK();
    }
    arrow::Status close() {
        ARROW_RETURN_NOT_OK(file->Close());
        return stream->Close();
    }
    Status status(const arrow::Status& status) const {
        if (!stream->status().ok()) return stream->status();
        return status.ok() ? Status{} : Error{ErrorCode::io, "Arrow cannot write a Parquet file"};
    }
};

ParquetWriter::ParquetWriter(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {}
ParquetWriter::~ParquetWriter() = default;

Result<std::unique_ptr<ParquetWriter>> ParquetWriter::open(const std::vector<Column>& columns,
                                                           int zstd_level, ObjectWriter& out) {
    auto parts = std::make_unique<Parts>();
    parts->columns = columns;
    parts->unordered.resize(columns.size());
    parts->stream = std::make_shared<HashingStream>(out);
    LH_TRY(parts->status(parts->open(zstd_level)));
    return std::unique_ptr<ParquetWriter>{new ParquetWriter{std::move(parts)}};
}

Status ParquetWriter::write(const Batch& batch, const std::vector<std::uint32_t>& order) {
    return parts_->status(write_rows(batch, order, *parts_->file, parts_->unordered));
}

std::uint64_t ParquetWriter::bytes() const {
    const auto position = parts_->stream->Tell();
    return position.ok() ? static_cast<std::uint64_t>(*position) : 0;
}

Result<WrittenFile> ParquetWriter::finish() {
    LH_TRY(parts_->status(parts_->close()));
    const parquet::FileMetaData& footer = *parts_->file->metadata();
    WrittenFile file;
    file.bytes = bytes();
    file.content = parts_->stream->finish();
    file.rows = static_cast<std::uint64_t>(footer.num_rows());
    file.stats = delta_stats(footer, parts_->columns, parts_->unordered);
    return file;
}

}  // namespace longhaul::collector
