#include "collector/writer/table_columns.hpp"

namespace longhaul::collector {
namespace {

Column fixed(const char* name, ColumnType type, const char* help = "") {
    Column column;
    column.name = name;
    column.type = type;
    column.help = help;
    return column;
}

constexpr ColumnType text = ColumnType::string;
constexpr ColumnType number = ColumnType::long_integer;
constexpr ColumnType moment = ColumnType::timestamp;

ColumnType type_of(FieldKind kind) {
    switch (kind) {
        case FieldKind::integer:
            return ColumnType::long_integer;
        case FieldKind::decimal:
            return ColumnType::decimal_real;
        case FieldKind::boolean:
            return ColumnType::boolean;
        case FieldKind::enumeration:
        case FieldKind::text:
            return ColumnType::string;
        case FieldKind::bytes:
            return ColumnType::binary;
        case FieldKind::float32:
            return ColumnType::single;
        case FieldKind::float64:
            return ColumnType::real;
    }
    return ColumnType::string;
}

}  // namespace

const char* name_of(FieldKind kind) {
    switch (kind) {
        case FieldKind::integer:
            return "integer";
        case FieldKind::decimal:
            return "decimal";
        case FieldKind::boolean:
            return "boolean";
        case FieldKind::enumeration:
            return "enumeration";
        case FieldKind::text:
            return "text";
        case FieldKind::bytes:
            return "bytes";
        case FieldKind::float32:
            return "float32";
        case FieldKind::float64:
            return "float64";
    }
    return "unknown";
}

std::vector<Column> fixed_columns() {
    return {fixed("device", text, "name from the device's certificate"),
            fixed("stream", text, "the device's instance of this schema"),
            fixed("incarnation", number, "drawn when the device's spool was formatted"),
            fixed("epoch", number, "boots within the incarnation"),
            fixed("seq", number, "block within the epoch; class in bits 30 and 31"),
            fixed("row", ColumnType::short_integer, "position in the block"),
            fixed("event_time", moment, "when it was sampled"),
            fixed("anchor", ColumnType::short_integer,
                  "clock anchor of event_time in _anchors; null: the source's own time"),
            fixed("time_error_us", number,
                  "bound of the error of event_time; null: source time, or no bound known"),
            fixed("receive_time", moment, "when the collector received the block")};
}

Column column_of(const Field& field) {
    Column column;
    column.name = field.name;
    column.type = type_of(field.kind);
    column.kind = name_of(field.kind);
    column.unit = field.unit;
    column.help = field.help;
    return column;
}

std::vector<Column> epoch_columns() {
    return {fixed("device", text),
            fixed("incarnation", number),
            fixed("epoch", number),
            fixed("previous_epoch", number, "the epoch before it that has a record; 0: none"),
            fixed("previous_clean", ColumnType::boolean, "it ended with every sample stored"),
            fixed("boot_cause", number),
            fixed("firmware", text),
            fixed("clock_state", number),
            fixed("streams", text, "names, separated by spaces"),
            fixed("receive_time", moment)};
}

std::vector<Column> anchor_columns() {
    return {fixed("device", text),
            fixed("incarnation", number),
            fixed("epoch", number),
            fixed("anchor", ColumnType::short_integer),
            fixed("elapsed_us", number, "since the epoch began"),
            fixed("wall_us", number, "UTC, microseconds since 1970, at elapsed_us"),
            fixed("error_us", number, "bound; null: none known"),
            fixed("origin", text, "device or receive"),
            fixed("receive_time", moment)};
}

std::vector<Column> loss_columns() {
    return {fixed("device", text),
            fixed("incarnation", number),
            fixed("epoch", number),
            fixed("class", number, "null: any that no other row tells of"),
            fixed("first_seq", number),
            fixed("last_seq", number, "null: unknown, from first_seq to the end of the epoch"),
            fixed("samples", number, "null: unknown"),
            fixed("reason", text),
            fixed("from_us", number, "since the epoch began"),
            fixed("to_us", number, "null: until the next boot"),
            fixed("receive_time", moment)};
}

std::vector<Column> quarantine_columns() {
    return {fixed("device", text),
            fixed("incarnation", number),
            fixed("epoch", number),
            fixed("seq", number, "null: the epoch record itself"),
            fixed("samples", number),
            fixed("reason", text),
            fixed("shard", number),
            fixed("offset", number, "of the entry in the journal's shard"),
            fixed("receive_time", moment)};
}

}  // namespace longhaul::collector
