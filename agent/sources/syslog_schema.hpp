// The schema "syslog": a line of a log as it came, with what can be told of it beside it. The live
// source and recordings share it.
#pragma once

#include "common/block/schema.hpp"

namespace longhaul::agent {

// The fields by their place in the schema.
enum class SyslogField : std::uint8_t {
    text,      // the whole line, unchanged
    raw,       // instead of `text`, when the line is not UTF-8
    facility,  // from the priority: 0 kernel, 1 user, 3 daemon, 4 security …
    severity,  // 0 emergency … 7 debug
    version,   // 1: RFC 5424
    timestamp,
    host,
    app,
    procid,
    msgid,
    structured_data,
    message,
};
inline constexpr std::size_t syslog_field_count = 12;

extern const Schema syslog_schema;

}  // namespace longhaul::agent
