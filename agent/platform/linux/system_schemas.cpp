// The schemas of the device's own health.
#include "agent/platform/linux/system_source.hpp"

namespace longhaul::agent {
namespace {

// All samples of a reading come at once, and nothing more until the next one.
constexpr std::uint32_t deadline_ms = 1000;

constexpr Field field_of(std::string_view name, FieldKind kind, std::string_view unit,
                         std::string_view help, std::uint8_t scale = 0) {
    Field field;
    field.name = name;
    field.kind = kind;
    field.unit = unit;
    field.help = help;
    field.scale = scale;
    field.nullable = true;
    return field;
}
constexpr Field named(std::string_view name, std::string_view help) {
    Field field = field_of(name, FieldKind::text, "", help);
    field.nullable = false;
    return field;
}

constexpr FieldKind integer = FieldKind::integer;
constexpr FieldKind decimal = FieldKind::decimal;

constexpr Field host_fields[] = {
    field_of("uptime", decimal, "s", "since the machine started", 2),
    field_of("load_1", decimal, "", "processes that run or wait, over a minute", 2),
    field_of("load_5", decimal, "", "over five minutes", 2),
    field_of("load_15", decimal, "", "over fifteen minutes", 2),
    field_of("memory_total", integer, "By", ""),
    field_of("memory_available", integer, "By", "without swapping"),
    field_of("disk_total", integer, "By", "of the file system with the spool"),
    field_of("disk_available", integer, "By", "of it, for programs without privileges"),
};

constexpr Field interface_fields[] = {
    named("name", "eth0"),
    field_of("state", FieldKind::text, "", "up, down, unknown, as the kernel says"),
    field_of("rx_bytes", integer, "By", "since the interface came up"),
    field_of("rx_packets", integer, "", ""),
    field_of("rx_errors", integer, "", ""),
    field_of("rx_dropped", integer, "", ""),
    field_of("tx_bytes", integer, "By", ""),
    field_of("tx_packets", integer, "", ""),
    field_of("tx_errors", integer, "", ""),
    field_of("tx_dropped", integer, "", ""),
};

constexpr Field temperature_fields[] = {
    named("sensor", "chip and input: coretemp Core 0"),
    field_of("temperature", decimal, "Cel", "", 3),
};

constexpr Schema schema_of(std::string_view name, std::span<const Field> fields) {
    return {.name = name,
            .fields = fields,
            .time = TimeKind::device,
            .tick_us = 1000,
            .default_class = BlockClass::normal,
            .deadline_ms = deadline_ms};
}

}  // namespace

constexpr Schema system_host_schema = schema_of("system_host", host_fields);
constexpr Schema system_interface_schema = schema_of("system_interface", interface_fields);
constexpr Schema system_temperature_schema = schema_of("system_temperature", temperature_fields);

}  // namespace longhaul::agent
