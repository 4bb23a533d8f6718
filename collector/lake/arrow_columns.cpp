#include "collector/lake/arrow_columns.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <ranges>

namespace longhaul::collector {
namespace {

using Rows = std::span<const std::uint32_t>;

// Values are appended all at once, so that none of them is checked by itself.
template <class Builder, class Get>
arrow::Result<std::shared_ptr<arrow::Array>> build(Builder builder, const ColumnData& data,
                                                   Rows rows, Get get) {
    const auto valid = [&data](std::uint32_t row) { return data.valid[row]; };
    if constexpr (std::is_same_v<decltype(get(0)), std::string_view>) {
        ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<std::int64_t>(rows.size())));
        ARROW_RETURN_NOT_OK(builder.ReserveData(static_cast<std::int64_t>(data.texts.size())));
        for (const std::uint32_t row : rows) {
            if (valid(row)) {
                builder.UnsafeAppend(get(row));
            } else {
                builder.UnsafeAppendNull();
            }
        }
    } else {
        const auto values = rows | std::views::transform(get);
        const auto valids = rows | std::views::transform(valid);
        ARROW_RETURN_NOT_OK(
            data.valid.all() ? builder.AppendValues(values.begin(), values.end())
                             : builder.AppendValues(values.begin(), values.end(), valids.begin()));
    }
    return builder.Finish();
}

arrow::Result<std::shared_ptr<arrow::Array>> build_column(ColumnType type, const ColumnData& data,
                                                          Rows rows) {
    const auto text = [&data](std::uint32_t row) { return data.text(row); };
    switch (type) {
        case ColumnType::string:
            return build(arrow::StringBuilder{}, data, rows, text);
        case ColumnType::binary:
            return build(arrow::BinaryBuilder{}, data, rows, text);
        case ColumnType::real:
        case ColumnType::decimal_real:
            return build(arrow::DoubleBuilder{}, data, rows,
                         [&](std::uint32_t row) { return data.reals[row]; });
        case ColumnType::single:
            return build(arrow::FloatBuilder{}, data, rows, [&](std::uint32_t row) {
                // Bits, so that the payload of a NaN survives.
                return std::bit_cast<float>(
                    static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(data.reals[row])));
            });
        case ColumnType::boolean:
            return build(arrow::BooleanBuilder{}, data, rows,
                         [&](std::uint32_t row) { return data.integers[row] != 0; });
        case ColumnType::short_integer:
            return build(arrow::Int32Builder{}, data, rows, [&](std::uint32_t row) {
                return static_cast<std::int32_t>(data.integers[row]);
            });
        case ColumnType::long_integer:
            return build(arrow::Int64Builder{}, data, rows,
                         [&](std::uint32_t row) { return data.integers[row]; });
        case ColumnType::timestamp:
            return build(arrow::TimestampBuilder{arrow_type(type), arrow::default_memory_pool()},
                         data, rows, [&](std::uint32_t row) { return data.integers[row]; });
    }
    return arrow::Status::TypeError("column type");
}

bool has_nan(const arrow::Array& array) {
    const auto* const reals = dynamic_cast<const arrow::DoubleArray*>(&array);
    return reals != nullptr &&
           std::any_of(reals->raw_values(), reals->raw_values() + reals->length(),
                       [](double value) { return std::isnan(value); });
}

// Values of an Arrow column into ours.
struct ColumnReader {
    ColumnType type;
    ColumnData& data;

    // False: the values are of another type.
    bool take(const arrow::Array& array) {
        if (array.type_id() == arrow::Type::STRING && array.null_count() == array.length())
            return append_nulls(array.length(), data), true;
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
                return singles(dynamic_cast<const arrow::FloatArray*>(&array));
            case ColumnType::real:
            case ColumnType::decimal_real:
                return reals(dynamic_cast<const arrow::DoubleArray*>(&array));
        }
        return false;
    }

 private:
    template <class Array, class Put>
    bool each(const Array* array, Put put) {
        if (array == nullptr) return false;
        for (std::int64_t i = 0; i < array->length(); ++i) {
            const bool valid = array->IsValid(i);
            data.valid.append(valid);
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
    bool singles(const arrow::FloatArray* array) {
        return each(array, [this, array](std::int64_t i, bool valid) {
            const std::uint64_t bits = valid ? std::bit_cast<std::uint32_t>(array->Value(i)) : 0;
            data.reals.push_back(std::bit_cast<double>(bits));
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

}  // namespace

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

std::optional<ColumnType> column_type(const arrow::DataType& type) {
    using enum ColumnType;
    constexpr std::array types{string, long_integer, short_integer, real,
                               single, boolean,      binary,        timestamp};
    for (const ColumnType known : types)
        if (type.Equals(*arrow_type(known))) return known;
    return std::nullopt;
}

std::shared_ptr<arrow::Schema> arrow_schema(const std::vector<Column>& columns) {
    arrow::FieldVector fields;
    for (const Column& column : columns)
        fields.push_back(arrow::field(column.name, arrow_type(column.type)));
    return arrow::schema(fields);
}

// Dictionaries where values repeat, deltas for integers, byte streams for measured floats.
std::shared_ptr<parquet::WriterProperties> writer_properties(const std::vector<Column>& columns,
                                                             int zstd_level) {
    parquet::WriterProperties::Builder builder;
    builder.compression(parquet::Compression::ZSTD)->compression_level(zstd_level);
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

arrow::Status write_rows(const Batch& batch, std::span<const std::uint32_t> order,
                         parquet::arrow::FileWriter& file, Unordered& unordered) {
    do {
        const Rows rows = order.first(std::min(order.size(), row_group_rows));
        order = order.subspan(rows.size());
        ARROW_RETURN_NOT_OK(file.NewRowGroup());
        for (std::size_t i = 0; i < batch.columns().size(); ++i) {
            ARROW_ASSIGN_OR_RAISE(const auto array,
                                  build_column(batch.columns()[i].type, batch.data(i), rows));
            ARROW_RETURN_NOT_OK(file.WriteColumnChunk(*array));
            unordered[i] = unordered[i] || has_nan(*array);
        }
    } while (!order.empty());
    return arrow::Status::OK();
}

bool append_array(const arrow::Array& array, ColumnType type, ColumnData& data) {
    return ColumnReader{type, data}.take(array);
}

void append_nulls(std::int64_t count, ColumnData& data) {
    const std::size_t rows = data.valid.size() + static_cast<std::size_t>(count);
    data.valid.append(false, static_cast<std::size_t>(count));
    data.integers.resize(rows);
    data.reals.resize(rows);
    data.text_ends.resize(rows, data.texts.size());
}

}  // namespace longhaul::collector
