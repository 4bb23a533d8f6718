#include "agent/sources/mapped_rows.hpp"

#include "agent/sources/cell.hpp"

namespace longhaul::agent {

MappedRows::MappedRows(const TraceMapping& mapping, std::unique_ptr<CellReader> reader)
    : mapping_{mapping}, reader_{std::move(reader)}, time_format_{mapping.time_format()} {}

// Device, time when there is one, fields.
std::vector<std::string> MappedRows::columns_of(const TraceMapping& mapping) {
    std::vector<std::string> columns = mapping.device_columns;
    if (!mapping.time_column.empty()) columns.push_back(mapping.time_column);
    columns.insert(columns.end(), mapping.field_columns.begin(), mapping.field_columns.end());
    return columns;
}

bool MappedRows::next() {
    while (reader_->next(line_)) {
        if (!line_.refused) return true;
        refuse(*line_.refused);
    }
    return false;
}

std::span<const std::string_view> MappedRows::device_parts() const {
    return line_.cells.first(mapping_.device_columns.size());
}

std::optional<Value> MappedRows::value_of(const Field& field, std::string_view cell) {
    if (cell.data() == nullptr) return field.nullable ? std::optional{Value{}} : std::nullopt;
    if (reader_->empty_is_text() && field.kind == FieldKind::text)
        return read_value(field, cell, &arena_);
    return read_cell(field, cell, &arena_);
}

bool MappedRows::read(std::int64_t& time_us, std::span<Value> values) {
    std::size_t column = mapping_.device_columns.size();
    time_us = 0;
    if (!mapping_.time_column.empty()) {
        const auto time = read_time(time_format_, line_.cells[column++]);
        if (!time) return refuse(Refusal::time), false;
        time_us = *time;
    }
    const std::span<const Field> fields = mapping_.schema().fields;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const auto value = value_of(fields[i], line_.cells[column + i]);
        if (!value) return refuse(Refusal::value), false;
        values[i] = *value;
    }
    return true;
}

}  // namespace longhaul::agent
