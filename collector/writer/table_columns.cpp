#include "collector/writer/table_columns.hpp"

#include <algorithm>

namespace longhaul::collector {
namespace {

Column fixed(const char* name, ColumnType type, const char* help) {
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

// All system tables begin and end alike.
std::vector<Column> system_columns(const char* epoch, const std::vector<Column>& own) {
    std::vector<Column> columns{
        fixed("device", text, "name from the device's certificate"),
        fixed("incarnation", number, "drawn when the device's spool was formatted"),
        fixed("epoch", number, epoch)};
    columns.insert(columns.end(), own.begin(), own.end());
    columns.push_back(fixed("receive_time", moment, "when the collector received what says so"));
    return columns;
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
    column.labels = field.labels;
    column.scale = field.kind == FieldKind::decimal ? field.scale : 0;
    return column;
}

ColumnPlace place_of(const Column& wanted, const std::vector<Column>& columns,
                     std::span<const std::size_t> taken) {
    ColumnPlace place{wanted.name, {}};
    for (;;) {
        const auto found =
            std::find_if(columns.begin(), columns.end(),
                         [&place](const Column& column) { return column.name == place.name; });
        if (found == columns.end()) return place;
        const auto position = static_cast<std::size_t>(found - columns.begin());
        const bool free = std::find(taken.begin(), taken.end(), position) == taken.end();
        if (found->kind == wanted.kind && free) {
            place.position = position;
            return place;
        }
        place.name += "__" + wanted.kind;
    }
}

std::string table_description(std::string_view name) {
    if (name == "_epochs") return "Boots of the devices, one row for each epoch record";
    if (name == "_anchors")
        return "Clock anchors, by which samples in device time got their event_time";
    if (name == "_losses") return "What will never come, and why: one row for each loss";
    if (name == "_quarantine")
        return "What was acknowledged and could not become rows when it came, and why";
    if (name == "_devices") return "How each device is now: when it was heard, what it lacks";
    if (name == "_gaps")
        return "Blocks that have neither come nor are listed as lost, now: one row for each range";
    if (name == "_usage")
        return "What each device sent, and what became of it: one row for each device and hour";
    return "Samples of the schema " + std::string{name} + ", one row for each";
}

std::vector<Column> epoch_columns() {
    return system_columns(
        "the boot that it tells of",
        {fixed("previous_epoch", number, "the epoch before it that has a record; 0: none"),
         fixed("previous_clean", ColumnType::boolean, "it ended with every sample stored"),
         fixed(
             "boot_cause", number,
             "0 unknown, 1 power on, 2 reset, 3 watchdog, 4 brown-out, 5 update, 6 process start"),
         fixed("firmware", text, "name and version of what ran"),
         fixed("clock_state", number,
               "at the boot: 0 no idea of the date, 1 uncertain, 2 synchronized"),
         fixed("streams", text, "names, separated by spaces"),
         fixed("last_words", text, "of the boot before, where it ended by a fault; null: none"),
         fixed("record", number, "the first 8 bytes of the record's SHA-256, as a number")});
}

std::vector<Column> anchor_columns() {
    return system_columns(
        "whose samples it places",
        {fixed("anchor", ColumnType::short_integer, "counts the epoch's anchors, from 0"),
         fixed("elapsed_us", number, "since the epoch began"),
         fixed("wall_us", number, "UTC, microseconds since 1970, at elapsed_us"),
         fixed("error_us", number, "bound; null: none known"),
         fixed("origin", text,
               "whose clock it was: device, synchronized or collector; receive: made from the time "
               "of arrival")});
}

std::vector<Column> loss_columns() {
    return system_columns(
        "that lost it, of several the first one; null: nobody knows",
        {fixed("class", number,
               "0 alarm, 1 live, 2 normal, 3 bulk; null: any that no other row tells of"),
         fixed("first_seq", number, "null with class"),
         fixed("last_epoch", number, "of last_seq; usually the epoch itself"),
         fixed("last_seq", number, "null: unknown, from first_seq to the end of the epoch"),
         fixed("samples", number, "null: unknown"),
         fixed("reason", text, "full, expired, corrupt, unreadable, power_cut or unknown"),
         fixed("from_us", number, "since the epoch began"),
         fixed("to_us", number, "since last_epoch began; null: until the next boot")});
}

std::vector<Column> quarantine_columns() {
    return system_columns(
        "0: unreadable",
        {fixed("seq", number, "of the block; null: no block, or unreadable"),
         fixed("samples", number, "as the block says; null like seq"),
         fixed("reason", text, "why it could not become rows"),
         fixed("shard", number, "of the journal"),
         fixed("offset", number, "of the entry in the journal's shard"),
         fixed("content", ColumnType::binary, "the entry as it came; of a block, sealed")});
}

std::vector<Column> usage_columns() {
    return {fixed("device", text, "name from the device's certificate"),
            fixed("hour", moment, "when the hour began, by the times at which things came"),
            fixed("received_bytes", number, "frames that came, without what TLS adds"),
            fixed("blocks", number, "of these frames, also those that had come before"),
            fixed("duplicate_blocks", number, "those that had come before"),
            fixed("sealed_bytes", number, "of the blocks that became rows"),
            fixed("samples", number, "the rows"),
            fixed("decoded_bytes", number,
                  "of their times and values: 8 for each number, the length of each text"),
            fixed("connected_ms", number, "how long it was connected"),
            fixed("wire_received_bytes", number, "by the collector, with what TLS adds"),
            fixed("wire_sent_bytes", number, "to the device, with what TLS adds")};
}

std::vector<Column> device_columns() {
    return {
        fixed("device", text, "name from the device's certificate"),
        fixed("first_heard", moment, "when the first thing came of it that is known"),
        fixed("last_heard", moment, "when the last one came"),
        fixed("silence_s", number, "from then to state_time"),
        fixed("rhythm_s", number,
              "so long it is silent at times: the second longest of its last eight pauses of "
              "five minutes and more, and at least that"),
        fixed("silent", ColumnType::boolean, "more than three times as long"),
        fixed("incarnation", number, "of its newest record; null: none has come"),
        fixed("epoch", number, "its newest boot that is known"),
        fixed("firmware", text, "that it said at this boot"),
        fixed("clock_state", number, "then: 0 no idea of the date, 1 uncertain, 2 synchronized"),
        fixed("clock_error_us", number,
              "bound of the error of this boot's newest anchor; null: none known"),
        fixed("gaps", number, "its ranges in _gaps"),
        fixed("awaited_blocks", number, "blocks in them"),
        fixed("backlog_blocks", number,
              "that it had to send when it connected; null: it has not said yet"),
        fixed("backlog_time", moment, "when it connected; null with backlog_blocks"),
        fixed("state_time", moment, "when all this was so")};
}

std::vector<Column> gap_columns() {
    return {fixed("device", text, "name from the device's certificate"),
            fixed("incarnation", number, "drawn when the device's spool was formatted"),
            fixed("epoch", number, "boot that the blocks are of"),
            fixed("class", number, "0 alarm, 1 live, 2 normal, 3 bulk"),
            fixed("first_seq", number, "of the range; class in bits 30 and 31"),
            fixed("last_seq", number, "the same"),
            fixed("blocks", number, "in the range"),
            fixed("noticed_time", moment, "when it, or what it is a part of, was first listed"),
            fixed("age_s", number, "from then to state_time"),
            fixed("state_time", moment, "when all this was so")};
}

}  // namespace longhaul::collector
