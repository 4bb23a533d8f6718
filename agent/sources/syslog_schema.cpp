#include "agent/sources/syslog_schema.hpp"

namespace longhaul::agent {
namespace {

constexpr Field nullable(std::string_view name, FieldKind kind, std::string_view help) {
    Field field;
    field.name = name;
    field.kind = kind;
    field.help = help;
    field.nullable = true;
    return field;
}

constexpr Field fields[syslog_field_count] = {
    nullable("text", FieldKind::text, "the whole line, unchanged"),
    nullable("raw", FieldKind::bytes, "the whole line, when it is not UTF-8"),
    nullable("facility", FieldKind::integer, "0 kernel, 1 user, 3 daemon, 4 security; RFC 5424"),
    nullable("severity", FieldKind::integer, "0 emergency to 7 debug"),
    nullable("version", FieldKind::integer, "1: RFC 5424"),
    nullable("timestamp", FieldKind::text, "as written, by the clock of who wrote it"),
    nullable("host", FieldKind::text, "as written"),
    nullable("app", FieldKind::text, "program, or the vendor's kind of message"),
    nullable("procid", FieldKind::text, "process"),
    nullable("msgid", FieldKind::text, "RFC 5424 only"),
    nullable("structured_data", FieldKind::text, "RFC 5424 only"),
    nullable("message", FieldKind::text, "what is left of the line"),
};

}  // namespace

constexpr Schema syslog_schema{.name = "syslog",
                               .fields = fields,
                               .time = TimeKind::device,
                               .tick_us = 1000,
                               .default_class = BlockClass::normal,
                               .deadline_ms = 60'000};

}  // namespace longhaul::agent
