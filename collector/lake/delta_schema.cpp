#include "collector/lake/delta_schema.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <optional>

#include "common/block/limits.hpp"

namespace longhaul::collector {
namespace {

namespace json = boost::json;

// Where our notes about a field stand in the metadata of its column.
constexpr std::string_view kind_key = "longhaul.kind";
constexpr std::string_view unit_key = "longhaul.unit";
constexpr std::string_view scale_key = "longhaul.scale";
constexpr std::string_view labels_key = "longhaul.labels";
constexpr std::string_view help_key = "comment";  // engines show it

Error no_schema() { return {ErrorCode::corrupt, "the schema of the Delta table cannot be read"}; }

json::object field_json(std::string_view name, std::string_view type, json::object metadata) {
    return {{"name", name}, {"type", type}, {"nullable", true}, {"metadata", std::move(metadata)}};
}

// Labels lie in the metadata with line feeds between them, so that a split gives them back.
void put_labels_and_scale(const Column& column, json::object& metadata) {
    if (column.scale != 0) metadata[scale_key] = column.scale;
    if (column.labels.empty()) return;
    metadata[labels_key] = std::string_view{column.labels}.substr(0, column.labels.size() - 1);
}

json::object field_json(const Column& column) {
    json::object metadata;
    if (!column.kind.empty()) metadata[kind_key] = column.kind;
    if (!column.unit.empty()) metadata[unit_key] = column.unit;
    put_labels_and_scale(column, metadata);
    if (!column.help.empty()) metadata[help_key] = column.help;
    return field_json(column.name, delta_name(column.type), std::move(metadata));
}

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

// Whoever else wrote it: 0 for what is no scale.
int scale_of(const json::object& metadata) {
    const json::value* value = metadata.if_contains(scale_key);
    const bool is_scale = value != nullptr && value->is_int64() && value->get_int64() > 0 &&
                          value->get_int64() <= std::int64_t{limits::decimal_scale_max};
    return is_scale ? static_cast<int>(value->get_int64()) : 0;
}

std::optional<ColumnType> column_type(std::string_view delta, std::string_view kind) {
    if (delta == "double" && kind == "decimal") return ColumnType::decimal_real;
    constexpr std::array types{ColumnType::string,        ColumnType::long_integer,
                               ColumnType::short_integer, ColumnType::real,
                               ColumnType::single,        ColumnType::boolean,
                               ColumnType::binary,        ColumnType::timestamp};
    for (const ColumnType type : types) {
        if (delta == delta_name(type)) return type;
    }
    return std::nullopt;
}

// Of a type that we do not write there is no Column: its values stay absent from our files, that is
// null.
std::optional<Column> column_of(const json::object& field) {
    Column column;
    column.name = text_of(field, "name");
    if (const json::value* metadata = field.if_contains("metadata");
        metadata && metadata->is_object()) {
        column.kind = text_of(metadata->get_object(), kind_key);
        column.unit = text_of(metadata->get_object(), unit_key);
        column.help = text_of(metadata->get_object(), help_key);
        column.labels = text_of(metadata->get_object(), labels_key);
        if (!column.labels.empty()) column.labels += '\n';
        column.scale = scale_of(metadata->get_object());
    }
    const auto type = column_type(text_of(field, "type"), column.kind);
    if (!type) return std::nullopt;
    column.type = *type;
    return column;
}

// Names of columns differ by more than case, says Delta.
bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
        return lower(x) == lower(y);
    });
}

// Whether others have laid down conditions on a column's values, which no file of ours could keep
// that lacks it.
bool has_conditions(const json::object& field) {
    const json::value* nullable = field.if_contains("nullable");
    const json::value* metadata = field.if_contains("metadata");
    return (nullable && nullable->is_bool() && !nullable->get_bool()) ||
           (metadata && metadata->is_object() &&
            metadata->get_object().contains("delta.invariants"));
}

// Brings labels and scale of a column that is there up to date.
void widen_field(json::object& field, const Column& later) {
    std::optional<Column> known = column_of(field);
    if (!known || !widen(*known, later)) return;
    put_labels_and_scale(*known, field["metadata"].as_object());
}

// Boost.JSON throws on text of another shape; here that is damage.
template <class Work>
auto reading(Work work) -> decltype(work()) {
    try {
        return work();
    } catch (const std::exception&) {
        return no_schema();
    }
}

}  // namespace

Result<std::vector<Column>> columns_of_schema(std::string_view schema) {
    return reading([schema]() -> Result<std::vector<Column>> {
        std::vector<Column> columns;
        const json::value parsed = json::parse(schema);
        for (const json::value& field : parsed.at("fields").as_array()) {
            if (has_conditions(field.as_object())) {
                return Error{ErrorCode::unsupported,
                             "a column of the table may not be null, or has invariants"};
            }
            auto column = column_of(field.as_object());
            if (column && column->name != partition_column) columns.push_back(std::move(*column));
        }
        return columns;
    });
}

Result<std::string> schema_with(std::string_view schema, const std::vector<Column>& columns) {
    return reading([&]() -> Result<std::string> {
        json::array fields;
        if (!schema.empty()) fields = json::parse(schema).at("fields").as_array();
        for (const Column& column : columns) {
            const auto found =
                std::find_if(fields.begin(), fields.end(), [&column](const json::value& field) {
                    return same_name(text_of(field.as_object(), "name"), column.name);
                });
            if (found == fields.end()) {
                fields.push_back(field_json(column));
            } else if (text_of(found->as_object(), "name") != column.name ||
                       text_of(found->as_object(), "type") != delta_name(column.type)) {
                return Error{ErrorCode::denied,
                             "a column of the table has another type, or other capitals in its "
                             "name, than its rows to come"};
            } else {
                widen_field(found->as_object(), column);
            }
        }
        if (schema.empty()) {
            fields.push_back(field_json(partition_column, "date",
                                        {{"comment", "day, UTC, of receive_time; the partition"}}));
        }
        return json::serialize(json::object{{"type", "struct"}, {"fields", std::move(fields)}});
    });
}

}  // namespace longhaul::collector
