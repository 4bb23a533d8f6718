#include "agent/sources/gnss_schema.hpp"

namespace longhaul::agent {
namespace {

constexpr Field nullable(std::string_view name, FieldKind kind, std::string_view unit,
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

constexpr Field bounded(Field field, double minimum, double maximum) {
    field.bounded = true;
    field.minimum = minimum;
    field.maximum = maximum;
    return field;
}

constexpr Field talker() {
    Field field = nullable("talker", FieldKind::text, "", "who spoke first: GP, GN, GL, GA, GB");
    field.nullable = false;
    return field;
}

constexpr FieldKind integer = FieldKind::integer;
constexpr FieldKind decimal = FieldKind::decimal;
constexpr FieldKind text = FieldKind::text;

constexpr Field fields[gnss_field_count] = {
    nullable("gnss_time", integer, "us", "UTC since 1970-01-01 as the receiver says it"),
    talker(),
    bounded(nullable("latitude", decimal, "deg", "WGS 84, north positive", 7), -90, 90),
    bounded(nullable("longitude", decimal, "deg", "WGS 84, east positive", 7), -180, 180),
    nullable("altitude", decimal, "m", "above mean sea level", 2),
    nullable("speed", decimal, "[kn_i]", "over ground", 3),
    nullable("course", decimal, "deg", "over ground, from true north", 3),
    nullable("quality", integer, "", "0 no fix, 1 GNSS, 2 differential, 4 and 5 RTK, 6 estimated"),
    nullable("satellites", integer, "", "in use"),
    nullable("hdop", decimal, "", "horizontal dilution of precision", 2),
    nullable("status", text, "", "A valid, V not"),
    nullable("mode", text, "", "of positioning: A autonomous, D differential, E estimated, N none"),
};

}  // namespace

constexpr Schema gnss_schema{.name = "gnss",
                             .fields = fields,
                             .time = TimeKind::device,
                             .tick_us = 1000,
                             .default_class = BlockClass::live,
                             .deadline_ms = 60'000};

}  // namespace longhaul::agent
