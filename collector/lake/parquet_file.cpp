#include "collector/lake/parquet_file.hpp"

#include <arrow/api.h>
#include <arrow/io/api.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>

#include <psa/crypto.h>

namespace longhaul::collector {
namespace {

constexpr std::int64_t row_group_rows = 1 << 20;
constexpr int zstd_level_fresh = 1;
constexpr std::size_t gathered_bytes_max = 256 * 1024;

// Arrow's stream over ours; hashes what passes. Arrow writes many small pieces, which are gathered
// here.
class HashingStream final : public arrow::io::OutputStream {
 public:
    explicit HashingStream(ObjectWriter& out) : out_{out} {
        LH_CHECK(psa_hash_setup(&hash_, PSA_ALG_SHA_256) == PSA_SUCCESS);
    }
    ~HashingStream() override { psa_hash_abort(&hash_); }

    arrow::Status Write(const void* data, std::int64_t count) override {
        const Bytes bytes{static_cast<const std::byte*>(data), static_cast<std::size_t>(count)};
        position_ += count;
        if (gathered_.size() + bytes.size() > gathered_bytes_max) ARROW_RETURN_NOT_OK(pass_on());
        if (bytes.size() > gathered_bytes_max) return pass_on(bytes);
        gathered_.insert(gathered_.end(), bytes.begin(), bytes.end());
        return arrow::Status::OK();
    }
    arrow::Status Flush() override { return pass_on(); }
    arrow::Result<std::int64_t> Tell() const override { return position_; }
    arrow::Status Close() override {
        closed_ = true;
        return pass_on();
    }
    bool closed() const override { return closed_; }

    const Status& status() const { return status_; }
    WrittenFile finish() {
        WrittenFile file{static_cast<std::uint64_t>(position_), {}};
        std::size_t length = 0;
        psa_hash_finish(&hash_, reinterpret_cast<std::uint8_t*>(file.content.data()),
                        file.content.size(), &length);
        return file;
    }

 private:
    arrow::Status pass_on() {
        const arrow::Status passed = gathered_.empty() ? arrow::Status::OK() : pass_on(gathered_);
        gathered_.clear();
        return passed;
    }
    arrow::Status pass_on(Bytes bytes) {
        psa_hash_update(&hash_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        status_ = out_.append(bytes);
        return status_.ok() ? arrow::Status::OK()
                            : arrow::Status::IOError(to_string(status_.error()));
    }

    ObjectWriter& out_;
    psa_hash_operation_t hash_ = PSA_HASH_OPERATION_INIT;
    std::vector<std::byte> gathered_;
    std::int64_t position_ = 0;
    Status status_;
    bool closed_ = false;
};

std::shared_ptr<arrow::DataType> arrow_type(ColumnType type) {
    switch (type) {
        case ColumnType::string:
            return arrow::utf8();
        case ColumnType::long_integer:
            return arrow::int64();
        case ColumnType::short_integer:
            return arrow::int32();
        case ColumnType::real:
        case ColumnType::decimal_real:
            return arrow::float64();
        case ColumnType::single:
            return arrow::float32();
        case ColumnType::boolean:
            return arrow::boolean();
        case ColumnType::binary:
            return arrow::binary();
        case ColumnType::timestamp:
            return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    }
    return arrow::utf8();
}

// Room is made once for all values, so that none of them is checked by itself.
template <class Builder, class Get>
arrow::Result<std::shared_ptr<arrow::Array>> build(Builder builder, const ColumnData& data,
                                                   const std::vector<std::uint32_t>& order,
                                                   Get get) {
    ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<std::int64_t>(order.size())));
    if constexpr (std::is_same_v<decltype(get(0)), std::string_view>)
        ARROW_RETURN_NOT_OK(builder.ReserveData(static_cast<std::int64_t>(data.texts.size())));
    for (const std::uint32_t row : order) {
        if (data.valid[row] != 0) {
            builder.UnsafeAppend(get(row));
        } else {
            builder.UnsafeAppendNull();
        }
    }
    return builder.Finish();
}

arrow::Result<std::shared_ptr<arrow::Array>> build_column(ColumnType type, const ColumnData& data,
                                                          const std::vector<std::uint32_t>& order) {
    const auto text = [&data](std::uint32_t row) { return data.text(row); };
    switch (type) {
        case ColumnType::string:
            return build(arrow::StringBuilder{}, data, order, text);
        case ColumnType::binary:
            return build(arrow::BinaryBuilder{}, data, order, text);
        case ColumnType::real:
        case ColumnType::decimal_real:
            return build(arrow::DoubleBuilder{}, data, order,
                         [&](std::uint32_t row) { return data.reals[row]; });
        case ColumnType::single:
            return build(arrow::FloatBuilder{}, data, order, [&](std::uint32_t row) {
                // Bits, so that the payload of a NaN survives.
                return std::bit_cast<float>(
                    static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(data.reals[row])));
            });
        case ColumnType::boolean:
            return build(arrow::BooleanBuilder{}, data, order,
                         [&](std::uint32_t row) { return data.integers[row] != 0; });
        case ColumnType::short_integer:
            return build(arrow::Int32Builder{}, data, order, [&](std::uint32_t row) {
                return static_cast<std::int32_t>(data.integers[row]);
            });
        case ColumnType::long_integer:
            return build(arrow::Int64Builder{}, data, order,
                         [&](std::uint32_t row) { return data.integers[row]; });
        case ColumnType::timestamp:
            return build(arrow::TimestampBuilder{arrow_type(type), arrow::default_memory_pool()},
                         data, order, [&](std::uint32_t row) { return data.integers[row]; });
    }
    return arrow::Status::TypeError("column type");
}

// Dictionaries where values repeat, deltas for integers, byte streams for measured floats.
std::shared_ptr<parquet::WriterProperties> writer_properties(const std::vector<Column>& columns) {
    parquet::WriterProperties::Builder builder;
    builder.compression(parquet::Compression::ZSTD)->compression_level(zstd_level_fresh);
    builder.max_row_group_length(row_group_rows)->created_by("longhaul version " LH_VERSION);
    for (const Column& column : columns) {
        switch (column.type) {
            case ColumnType::long_integer:
            case ColumnType::short_integer:
            case ColumnType::timestamp:
                builder.disable_dictionary(column.name);
                builder.encoding(column.name, parquet::Encoding::DELTA_BINARY_PACKED);
                break;
            case ColumnType::real:
            case ColumnType::single:
                builder.disable_dictionary(column.name);
                // Spark's own reader knows no BYTE_STREAM_SPLIT.
                builder.encoding(column.name, parquet::Encoding::PLAIN);
                break;
            default:
                break;
        }
    }
    return builder.build();
}

arrow::Result<std::shared_ptr<arrow::Table>> table_of(const Batch& batch,
                                                      const std::vector<std::uint32_t>& order) {
    arrow::FieldVector fields;
    arrow::ArrayVector arrays;
    for (std::size_t i = 0; i < batch.columns().size(); ++i) {
        const Column& column = batch.columns()[i];
        fields.push_back(arrow::field(column.name, arrow_type(column.type)));
        ARROW_ASSIGN_OR_RAISE(auto array, build_column(column.type, batch.data(i), order));
        arrays.push_back(std::move(array));
    }
    return arrow::Table::Make(arrow::schema(fields), arrays,
                              static_cast<std::int64_t>(order.size()));
}

arrow::Status write(const Batch& batch, const std::vector<std::uint32_t>& order,
                    const std::shared_ptr<HashingStream>& stream) {
    ARROW_ASSIGN_OR_RAISE(const auto table, table_of(batch, order));
    ARROW_RETURN_NOT_OK(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), stream,
                                                   row_group_rows,
                                                   writer_properties(batch.columns())));
    return stream->Close();
}

arrow::Result<std::shared_ptr<arrow::Table>> read(Bytes parquet,
                                                  const std::vector<std::string>& columns,
                                                  bool may_lack) {
    auto buffer =
        std::make_shared<arrow::Buffer>(reinterpret_cast<const std::uint8_t*>(parquet.data()),
                                        static_cast<std::int64_t>(parquet.size()));
    auto file = std::make_shared<arrow::io::BufferReader>(buffer);
    ARROW_ASSIGN_OR_RAISE(auto reader,
                          parquet::arrow::OpenFile(file, arrow::default_memory_pool()));
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

// nullptr: another type, nulls, or more than one piece; no file of ours is like that.
template <class Array>
std::shared_ptr<Array> whole_column(const arrow::Table& table, int index) {
    const arrow::ChunkedArray& column = *table.column(index);
    if (column.num_chunks() != 1 || column.null_count() != 0) return nullptr;
    return std::dynamic_pointer_cast<Array>(column.chunk(0));
}

// Values of an Arrow column into ours.
struct ColumnReader {
    ColumnType type;
    ColumnData data;

    // False: the values are of another type.
    bool take(const arrow::Array& array) {
        if (array.type_id() == arrow::Type::STRING && array.null_count() == array.length())
            return nulls(array.length());
        switch (type) {
            case ColumnType::string:
                return texts(dynamic_cast<const arrow::StringArray*>(&array));
            case ColumnType::binary:
                return texts(dynamic_cast<const arrow::BinaryArray*>(&array));
            case ColumnType::long_integer:
                return integers(dynamic_cast<const arrow::Int64Array*>(&array));
            case ColumnType::short_integer:
                return integers(dynamic_cast<const arrow::Int32Array*>(&array));
            case ColumnType::boolean:
                return integers(dynamic_cast<const arrow::BooleanArray*>(&array));
            case ColumnType::timestamp:
                return integers(dynamic_cast<const arrow::TimestampArray*>(&array));
            case ColumnType::single:
                return reals(dynamic_cast<const arrow::FloatArray*>(&array));
            case ColumnType::real:
            case ColumnType::decimal_real:
                return reals(dynamic_cast<const arrow::DoubleArray*>(&array));
        }
        return false;
    }

 private:
    bool nulls(std::int64_t count) {
        const std::size_t rows = data.valid.size() + static_cast<std::size_t>(count);
        data.valid.resize(rows, 0);
        data.integers.resize(rows);
        data.reals.resize(rows);
        data.text_ends.resize(rows, data.texts.size());
        return true;
    }
    template <class Array, class Put>
    bool each(const Array* array, Put put) {
        if (array == nullptr) return false;
        for (std::int64_t i = 0; i < array->length(); ++i) {
            const bool valid = array->IsValid(i);
            data.valid.push_back(valid ? 1 : 0);
            put(i, valid);
        }
        return true;
    }
    template <class Array>
    bool integers(const Array* array) {
        return each(array, [this, array](std::int64_t i, bool valid) {
            data.integers.push_back(valid ? static_cast<std::int64_t>(array->Value(i)) : 0);
        });
    }
    template <class Array>
    bool reals(const Array* array) {
        return each(array, [this, array](std::int64_t i, bool valid) {
            data.reals.push_back(valid ? static_cast<double>(array->Value(i)) : 0);
        });
    }
    template <class Array>
    bool texts(const Array* array) {
        return each(array, [this, array](std::int64_t i, bool valid) {
            if (valid) data.texts += array->GetView(i);
            data.text_ends.push_back(data.texts.size());
        });
    }
};

Error read_error() { return {ErrorCode::corrupt, "a Parquet file cannot be read"}; }

}  // namespace

Result<WrittenFile> write_parquet(const Batch& batch, const std::vector<std::uint32_t>& order,
                                  ObjectWriter& out) {
    const auto stream = std::make_shared<HashingStream>(out);
    const arrow::Status written = write(batch, order, stream);
    if (!stream->status().ok()) return stream->status().error();
    if (!written.ok()) return Error{ErrorCode::io, "Arrow cannot write a Parquet file"};
    return stream->finish();
}

Status read_row_names(Bytes parquet, const std::function<void(const RowName&)>& take) {
    const auto result = read(parquet, {"device", "incarnation", "epoch", "seq", "row"}, false);
    if (!result.ok()) return read_error();
    const arrow::Table& table = **result;
    if (table.num_rows() == 0) return {};
    const auto device = whole_column<arrow::StringArray>(table, 0);
    const auto incarnation = whole_column<arrow::Int64Array>(table, 1);
    const auto epoch = whole_column<arrow::Int64Array>(table, 2);
    const auto seq = whole_column<arrow::Int64Array>(table, 3);
    const auto row = whole_column<arrow::Int32Array>(table, 4);
    if (!device || !incarnation || !epoch || !seq || !row) return read_error();
    for (std::int64_t i = 0; i < table.num_rows(); ++i) {
        take({device->GetView(i), incarnation->Value(i), epoch->Value(i), seq->Value(i),
              row->Value(i)});
    }
    return {};
}

Status read_text_rows(Bytes parquet, const std::vector<std::string>& columns,
                      const std::function<void(const std::vector<std::string>&)>& take) {
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

Result<std::vector<ColumnData>> read_columns(Bytes parquet, const std::vector<Column>& columns) {
    std::vector<std::string> names;
    for (const Column& column : columns) names.push_back(column.name);
    const auto result = read(parquet, names, true);
    if (!result.ok()) return read_error();
    std::vector<ColumnData> data;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        ColumnReader reader{columns[i].type, {}};
        for (const auto& chunk : (*result)->column(static_cast<int>(i))->chunks()) {
            if (!reader.take(*chunk)) return read_error();
        }
        data.push_back(std::move(reader.data));
    }
    return data;
}

}  // namespace longhaul::collector
