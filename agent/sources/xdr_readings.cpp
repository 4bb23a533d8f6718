#include "agent/sources/xdr_readings.hpp"

#include "agent/sources/nmea_values.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint8_t value_scale = 8;

constexpr Field field(std::string_view name, FieldKind kind, std::string_view help,
                      std::uint8_t scale = 0) {
    Field made;
    made.name = name;
    made.kind = kind;
    made.help = help;
    made.scale = scale;
    return made;
}

constexpr Field fields[transducer_field_count] = {
    field("transducer", FieldKind::text, "its name"),
    field("type", FieldKind::text, "C temperature, P pressure, U volts, G any other"),
    field("value", FieldKind::decimal, "in its unit", value_scale),
    field("unit", FieldKind::text, "C, P, B, V; empty: none, or as the name says"),
};

}  // namespace

constexpr Schema transducer_schema{.name = "transducer",
                                   .fields = fields,
                                   .time = TimeKind::device,
                                   .tick_us = 1000,
                                   .default_class = BlockClass::live,  // the class of fixes
                                   .deadline_ms = 60'000};

bool XdrReadings::take(std::string_view line) {
    NmeaRefusal refusal;
    at_ = 0;
    if (line.substr(0, 7).ends_with("XDR,") && read_nmea_sentence(line, sentence_, refusal))
        return true;
    sentence_.field_count = 0;
    return false;
}

std::span<const Value> XdrReadings::next() {
    while (at_ + transducer_field_count <= sentence_.field_count) {
        const auto* const part = &sentence_.fields[at_];
        at_ += transducer_field_count;
        const auto value = read_nmea_decimal(part[1], value_scale);
        if (!value) continue;
        values_ = {Value::of_text(as_bytes(part[3])), Value::of_text(as_bytes(part[0])), *value,
                   Value::of_text(as_bytes(part[2]))};
        return values_;
    }
    return {};
}

}  // namespace longhaul::agent
