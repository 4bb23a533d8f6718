#include "collector/lake/parquet_file.hpp"

#include <arrow/api.h>
#include <arrow/compute/cast.h>
#include <arrow/io/api.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/statistics.h>

#include <algorithm>
#include <array>

#include "collector/lake/arrow_columns.hpp"
#include "collector/lake/parquet_stream.hpp"

namespace longhaul::collector {
namespace {

arrow::Result<std::unique_ptr<parquet::arrow::FileReader>> open(Bytes parquet) {
    auto buffer =
        std::make_shared<arrow::Buffer>(reinterpret_cast<const std::uint8_t*>(parquet.data()),
                                        static_cast<std::int64_t>(parquet.size()));
    parquet::ArrowReaderProperties properties;
    properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(std::make_shared<arrow::io::BufferReader>(buffer)));
    return builder.properties(properties)->Build();
}

// The type that we read a column as; nullptr: as it is. Other engines, which compact a table in
// place, write text as large strings, views or dictionaries, and times in other units.
std::shared_ptr<arrow::DataType> plain_type(const arrow::DataType& type) {
    switch (type.id()) {
        case arrow::Type::LARGE_STRING:
        case arrow::Type::STRING_VIEW:
        case arrow::Type::DICTIONARY:
            return arrow::utf8();
        case arrow::Type::LARGE_BINARY:
        case arrow::Type::BINARY_VIEW:
            return arrow::binary();
        case arrow::Type::TIMESTAMP: {
            const auto& time = static_cast<const arrow::TimestampType&>(type);
            if (time.unit() == arrow::TimeUnit::MICRO) return nullptr;
            return arrow::timestamp(arrow::TimeUnit::MICRO, time.timezone());
        }
        default:
            return nullptr;
    }
}

// Error: a time that does not fit.
arrow::Result<std::shared_ptr<arrow::Table>> with_plain_types(std::shared_ptr<arrow::Table> table) {
    arrow::compute::CastOptions options;
    options.allow_time_truncate = true;
    for (int i = 0; i < table->num_columns(); ++i) {
        const auto plain = plain_type(*table->column(i)->type());
        if (!plain) continue;
        options.to_type = plain;
        ARROW_ASSIGN_OR_RAISE(const arrow::Datum cast,
                              arrow::compute::Cast(arrow::Datum{table->column(i)}, options));
        ARROW_ASSIGN_OR_RAISE(
            table, table->SetColumn(i, arrow::field(table->schema()->field(i)->name(), plain),
                                    cast.chunked_array()));
    }
    return table;
}

arrow::Result<std::shared_ptr<arrow::Table>> read(Bytes parquet,
                                                  const std::vector<std::string>& columns,
                                                  bool may_lack) {
    ARROW_ASSIGN_OR_RAISE(auto reader, open(parquet));
    std::shared_ptr<arrow::Schema> schema;
    ARROW_RETURN_NOT_OK(reader->GetSchema(&schema));
    std::vector<int> indices;
    std::vector<std::string> missing;
    for (const std::string& name : columns) {
        const int index = schema->GetFieldIndex(name);
        if (index >= 0) indices.push_back(index);
        if (index < 0) missing.push_back(name);
    }
    if (!missing.empty() && !may_lack) return arrow::Status::Invalid("no column " + missing[0]);
    ARROW_ASSIGN_OR_RAISE(auto table, reader->ReadTable(indices));
    ARROW_ASSIGN_OR_RAISE(table, with_plain_types(std::move(table)));
    for (const std::string& name : missing) {
        ARROW_ASSIGN_OR_RAISE(const auto nulls,
                              arrow::MakeArrayOfNull(arrow::utf8(), table->num_rows()));
        ARROW_ASSIGN_OR_RAISE(
            table, table->AddColumn(table->num_columns(), arrow::field(name, arrow::utf8()),
                                    std::make_shared<arrow::ChunkedArray>(nulls)));
    }
    ARROW_ASSIGN_OR_RAISE(table, table->SelectColumns([&] {
        std::vector<int> in_table;
        for (const std::string& name : columns)
            in_table.push_back(table->schema()->GetFieldIndex(name));
        return in_table;
    }()));
    return table->CombineChunks();
}

// nullptr: another type, or more than one piece; no file of ours is like that.
template <class Array>
std::shared_ptr<Array> column_of(const arrow::Table& table, int index) {
    const arrow::ChunkedArray& column = *table.column(index);
    if (column.num_chunks() != 1) return nullptr;
    return std::dynamic_pointer_cast<Array>(column.chunk(0));
}

const std::vector<std::string> name_columns{"device", "incarnation", "epoch",
                                            "seq",    "row",         "receive_time"};

bool take_names(const arrow::Table& table, const std::function<void(const RowName&)>& take,
                NamelessRows& nameless) {
    const auto device = column_of<arrow::StringArray>(table, 0);
    const auto incarnation = column_of<arrow::Int64Array>(table, 1);
    const auto epoch = column_of<arrow::Int64Array>(table, 2);
    const auto seq = column_of<arrow::Int64Array>(table, 3);
    const auto row = column_of<arrow::Int32Array>(table, 4);
    const auto received = column_of<arrow::TimestampArray>(table, 5);
    if (!device || !incarnation || !epoch || !seq || !row || !received) return false;
    const std::array<const arrow::Array*, 6> parts{device.get(), incarnation.get(), epoch.get(),
                                                   seq.get(),    row.get(),         received.get()};
    for (std::int64_t i = 0; i < table.num_rows(); ++i) {
        const auto lacking = std::find_if(parts.begin(), parts.end(),
                                          [i](const auto* part) { return part->IsNull(i); });
        if (lacking != parts.end()) {
            ++nameless[name_columns[static_cast<std::size_t>(lacking - parts.begin())]];
            continue;
        }
        take({device->GetView(i), incarnation->Value(i), epoch->Value(i), seq->Value(i),
              row->Value(i), received->Value(i)});
    }
    return true;
}

// Rows of a block mostly follow each other: told once for all of them.
bool take_blocks(const arrow::Table& table, const std::function<void(const RowsOfBlock&)>& take) {
    const auto device = column_of<arrow::StringArray>(table, 0);
    const auto incarnation = column_of<arrow::Int64Array>(table, 1);
    const auto epoch = column_of<arrow::Int64Array>(table, 2);
    const auto seq = column_of<arrow::Int64Array>(table, 3);
    if (!device || !incarnation || !epoch || !seq) return false;
    RowsOfBlock last{{}, -1, -1, -1};
    for (std::int64_t i = 0; i < table.num_rows(); ++i) {
        // One that others have added is of no block of ours.
        const bool has_name =
            device->IsValid(i) && incarnation->IsValid(i) && epoch->IsValid(i) && seq->IsValid(i);
        if (!has_name) continue;
        const RowsOfBlock row{device->GetView(i), incarnation->Value(i), epoch->Value(i),
                              seq->Value(i)};
        if (row == last) continue;
        take(row);
        last = row;
    }
    return true;
}

// These columns, row group by row group; `take` returns false when one is of another type. A file
// that lacks one of them is not read, and `lacking` is its name. Returns how many rows there are.
arrow::Result<std::uint64_t> read_groups(Bytes parquet, const std::vector<std::string>& columns,
                                         std::string& lacking,
                                         const std::function<bool(const arrow::Table&)>& take) {
    ARROW_ASSIGN_OR_RAISE(auto reader, open(parquet));
    std::shared_ptr<arrow::Schema> schema;
    ARROW_RETURN_NOT_OK(reader->GetSchema(&schema));
    std::vector<int> indices;
    for (const std::string& name : columns) {
        indices.push_back(schema->GetFieldIndex(name));
        if (indices.back() >= 0) continue;
        lacking = name;
        return static_cast<std::uint64_t>(
            std::max<std::int64_t>(reader->parquet_reader()->metadata()->num_rows(), 0));
    }
    std::uint64_t rows = 0;
    for (int group = 0; group < reader->num_row_groups(); ++group) {
        ARROW_ASSIGN_OR_RAISE(auto table, reader->ReadRowGroup(group, indices));
        std::vector<int> in_table;
        for (const std::string& name : columns)
            in_table.push_back(table->schema()->GetFieldIndex(name));
        ARROW_ASSIGN_OR_RAISE(table, table->SelectColumns(in_table));
        ARROW_ASSIGN_OR_RAISE(table, with_plain_types(std::move(table)));
        ARROW_ASSIGN_OR_RAISE(table, table->CombineChunks());
        if (table->num_rows() != 0 && !take(*table))
            return arrow::Status::Invalid("a column of another type");
        rows += static_cast<std::uint64_t>(table->num_rows());
    }
    return rows;
}

// One row group as ours; a column that is not among `indices` of the file is null.
arrow::Result<std::vector<ColumnData>> read_group(parquet::arrow::FileReader& reader, int group,
                                                  const std::vector<Column>& columns,
                                                  const std::vector<int>& indices) {
    ARROW_ASSIGN_OR_RAISE(auto table, reader.ReadRowGroup(group, indices));
    ARROW_ASSIGN_OR_RAISE(table, with_plain_types(std::move(table)));
    std::vector<ColumnData> data(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto column = table->GetColumnByName(columns[i].name);
        if (column == nullptr) append_nulls(table->num_rows(), data[i]);
        if (column == nullptr) continue;
        for (const auto& chunk : column->chunks()) {
            if (!append_array(*chunk, columns[i].type, data[i]))
                return arrow::Status::Invalid(columns[i].name + " is of another type");
        }
    }
    return data;
}

arrow::Status read_each_group(Bytes parquet, const std::vector<Column>& columns,
                              const std::function<void(const std::vector<ColumnData>&)>& take) {
    ARROW_ASSIGN_OR_RAISE(auto reader, open(parquet));
    std::shared_ptr<arrow::Schema> schema;
    ARROW_RETURN_NOT_OK(reader->GetSchema(&schema));
    std::vector<int> indices;
    for (const Column& column : columns) {
        const int index = schema->GetFieldIndex(column.name);
        if (index >= 0) indices.push_back(index);
    }
    for (int group = 0; group < reader->num_row_groups(); ++group) {
        ARROW_ASSIGN_OR_RAISE(const auto data, read_group(*reader, group, columns, indices));
        if (!data.empty() && data[0].valid.size() != 0) take(data);
    }
    return arrow::Status::OK();
}

// A row group that does not say how many of its values are null may have some that are not.
bool has_values(const parquet::FileMetaData& metadata, int column) {
    for (int group = 0; group < metadata.num_row_groups(); ++group) {
        const auto chunk = metadata.RowGroup(group)->ColumnChunk(column);
        const auto statistics = chunk->statistics();
        const bool all_null = statistics && statistics->HasNullCount() &&
                              statistics->null_count() == chunk->num_values();
        if (!all_null) return true;
    }
    return false;
}

// The columns of a file of ours are flat: each is one of Parquet's.
arrow::Result<std::vector<Column>> filled_columns(Bytes parquet) {
    ARROW_ASSIGN_OR_RAISE(auto reader, open(parquet));
    std::shared_ptr<arrow::Schema> schema;
    ARROW_RETURN_NOT_OK(reader->GetSchema(&schema));
    const auto metadata = reader->parquet_reader()->metadata();
    if (metadata->num_columns() != schema->num_fields())
        return arrow::Status::Invalid("a column of columns");
    std::vector<Column> columns;
    for (int i = 0; i < schema->num_fields(); ++i) {
        if (!has_values(*metadata, i)) continue;
        const auto type = column_type(*schema->field(i)->type());
        if (!type) return arrow::Status::Invalid("a column of another type");
        Column& column = columns.emplace_back();
        column.name = schema->field(i)->name();
        column.type = *type;
    }
    return columns;
}

Error read_error() { return {ErrorCode::corrupt, "a Parquet file cannot be read"}; }

}  // namespace

Result<WrittenFile> write_parquet(const Batch& batch, const std::vector<std::uint32_t>& order,
                                  ObjectWriter& out) {
    LH_TRY_ASSIGN(const auto writer, ParquetWriter::open(batch.columns(), fresh_level, out));
    LH_TRY(writer->write(batch, order));
    return writer->finish();
}

Result<NamelessRows> read_row_names(Bytes parquet,
                                    const std::function<void(const RowName&)>& take) {
    NamelessRows nameless;
    std::string lacking;
    const auto rows =
        read_groups(parquet, name_columns, lacking, [&take, &nameless](const arrow::Table& table) {
            return take_names(table, take, nameless);
        });
    if (!rows.ok()) return read_error();
    if (!lacking.empty() && *rows != 0) nameless[lacking] = *rows;
    return nameless;
}

Result<std::uint64_t> read_block_names(Bytes parquet,
                                       const std::function<void(const RowsOfBlock&)>& take) {
    std::string lacking;
    const auto rows =
        read_groups(parquet, {"device", "incarnation", "epoch", "seq"}, lacking,
                    [&take](const arrow::Table& table) { return take_blocks(table, take); });
    if (!rows.ok()) return read_error();
    return *rows;
}

Status read_text_rows(Bytes parquet, const std::vector<std::string>& columns,
                      const std::function<void(std::vector<std::string>&)>& take) {
    const auto result = read(parquet, columns, true);
    if (!result.ok()) return read_error();
    const arrow::Table& table = **result;
    std::vector<std::string> row(columns.size());
    for (std::int64_t i = 0; i < table.num_rows(); ++i) {
        for (int column = 0; column < table.num_columns(); ++column) {
            const auto scalar = table.column(column)->GetScalar(i);
            if (!scalar.ok()) return read_error();
            row[static_cast<std::size_t>(column)] =
                (*scalar)->is_valid ? (*scalar)->ToString() : "";
        }
        take(row);
    }
    return {};
}

Status read_column_groups(Bytes parquet, const std::vector<Column>& columns,
                          const std::function<void(const std::vector<ColumnData>&)>& take) {
    if (!read_each_group(parquet, columns, take).ok()) return read_error();
    return {};
}

Result<std::vector<ColumnData>> read_columns(Bytes parquet, const std::vector<Column>& columns) {
    std::vector<std::string> names;
    for (const Column& column : columns) names.push_back(column.name);
    const auto result = read(parquet, names, true);
    if (!result.ok()) return read_error();
    std::vector<ColumnData> data;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        ColumnData& column = data.emplace_back();
        for (const auto& chunk : (*result)->column(static_cast<int>(i))->chunks()) {
            if (!append_array(*chunk, columns[i].type, column)) return read_error();
        }
    }
    return data;
}

Result<std::vector<Column>> columns_with_values(Bytes parquet) {
    auto columns = filled_columns(parquet);
    if (!columns.ok()) return read_error();
    return std::move(columns).ValueUnsafe();
}

}  // namespace longhaul::collector
