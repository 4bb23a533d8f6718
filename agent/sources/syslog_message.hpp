// One line of syslog: RFC 5424, and RFC 3164 as devices write it (with and without priority and
// host, ISO and BSD dates, with and without a year, the forms of Cisco and Huawei). Needs no heap.
//
// The line itself is kept as it is. What cannot be told apart stays absent; then `message` is all
// that is left.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/sources/syslog_schema.hpp"
#include "common/block/value.hpp"

namespace longhaul::agent {

// Texts point into the line; an absent one is nullopt.
struct SyslogMessage {
    std::optional<std::uint8_t> facility;
    std::optional<std::uint8_t> severity;
    std::optional<std::uint16_t> version;
    std::optional<std::string_view> timestamp;
    std::optional<std::string_view> host;
    std::optional<std::string_view> app;
    std::optional<std::string_view> procid;
    std::optional<std::string_view> msgid;
    std::optional<std::string_view> structured_data;
    std::optional<std::string_view> message;
};
SyslogMessage parse_syslog(std::string_view line);

enum class SyslogRefusal : std::uint8_t {
    empty,
    too_long,  // more than limits::text_bytes_max
};
inline constexpr std::size_t syslog_refusal_count = 2;
const char* name_of(SyslogRefusal reason);

// The values of syslog_schema; texts point into the line, which comes without its line end.
// Returns why the line is refused, or nothing.
std::optional<SyslogRefusal> read_syslog(std::string_view line,
                                         std::array<Value, syslog_field_count>& values);

}  // namespace longhaul::agent
