#include "agent/sources/syslog_message.hpp"

#include <algorithm>

#include "agent/sources/syslog_scanner.hpp"
#include "common/base/utf8.hpp"
#include "common/block/limits.hpp"

namespace longhaul::agent {
namespace {

std::optional<std::string_view> unless_nil(std::string_view text) {
    if (text == "-") return std::nullopt;
    return text;
}

// "<189>"
void read_priority(SyslogScanner& in, SyslogMessage& message) {
    constexpr unsigned priority_max = 191;
    SyslogScanner ahead = in;
    if (!ahead.take('<')) return;
    const std::string_view digits = ahead.take_digits(3);
    const unsigned priority = number_of(digits);
    if (digits.empty() || priority > priority_max || !ahead.take('>')) return;
    message.facility = static_cast<std::uint8_t>(priority / 8);
    message.severity = static_cast<std::uint8_t>(priority % 8);
    in = ahead;
}

// "[id name="value"][id …]", whose quoted values may hold anything but an unescaped quote.
std::string_view structured_data_of(std::string_view text) {
    bool quoted = false;
    std::size_t end = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted && c == '\\') {
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && c == ']') {
            end = i + 1;
            if (end == text.size() || text[end] != '[') break;
        }
    }
    return text.substr(0, end);
}

// "1 2019-02-20T15:10:50.505646+00:00 host app procid msgid [data] message", as far as it goes.
bool read_rfc5424(SyslogScanner& in, SyslogMessage& message) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    SyslogScanner ahead = in;
    const std::string_view version = ahead.take_digits(3);
    if (version.empty() || version.front() == '0' || !ahead.take(' ')) return false;
    const std::string_view time = ahead.take_word();
    const bool nil = time == "-";
    if (!nil && iso_time_bytes(time) != time.size()) return false;
    message.version = static_cast<std::uint16_t>(number_of(version));
    message.timestamp = unless_nil(time);
    in = ahead;
    for (auto* part : {&message.host, &message.app, &message.procid, &message.msgid}) {
        if (!in.take(' ')) break;
        *part = unless_nil(in.take_word());
        if (*part && (*part)->empty()) part->reset();
    }
    ahead = in;
    if (!ahead.take(' ')) return true;
    if (ahead.rest().starts_with('[')) {
        const std::string_view data = structured_data_of(ahead.rest());
        if (data.empty()) return true;  // without an end: all of it is the message
        message.structured_data = data;
        ahead.skip(data.size());
    } else if (!ahead.take('-')) {
        return true;
    }
    in = ahead;
    in.take(' ');
    if (in.rest().starts_with(byte_order_mark)) in.skip(byte_order_mark.size());
    return true;
}

// "app: ", "app[procid]: ", "%%01IFNET/4/IF_STATE(l)[4997]:"; a number is no name.
bool read_tag(SyslogScanner& in, SyslogMessage& message) {
    SyslogScanner ahead = in;
    const std::string_view app = ahead.take_until(" :[");
    if (app.empty() || app.find_first_not_of("0123456789") == std::string_view::npos) return false;
    if (ahead.take('[')) {
        const std::string_view procid = ahead.take_until("] ");
        if (procid.empty() || !ahead.take(']') || !ahead.take(':')) return false;
        message.procid = procid;
    } else if (!ahead.take(':') || !(ahead.rest().empty() || ahead.rest().starts_with(' '))) {
        return false;
    }
    message.app = app;
    ahead.take(' ');
    in = ahead;
    return true;
}

// "Oct 11 22:14:15 host app[procid]: message", the host not always there.
bool read_rfc3164(SyslogScanner& in, SyslogMessage& message) {
    SyslogScanner ahead = in;
    const std::string_view time = ahead.take_time();
    if (time.empty() || !(ahead.rest().empty() || ahead.rest().starts_with(' '))) return false;
    message.timestamp = time;
    ahead.take_spaces();
    in = ahead;
    if (read_tag(in, message)) return true;
    const std::string_view host = in.take_word();
    if (!host.empty()) message.host = host;
    in.take_spaces();
    read_tag(in, message);
    return true;
}

// "router1: ", "xrv RP/0/RP0/CPU0:"
bool take_router_host(SyslogScanner& in, std::string_view& host) {
    host = in.take_until(" :");
    if (host.empty()) return false;
    if (in.take(':')) return in.take(' ');
    in.take(' ');
    return !in.take_until(" :").empty() && in.take(':');
}

// Routers put a number, the host and even the module before the time, and a colon after it:
//   "521: router1: *Nov 14 08:30:56.699: %LINK-5-CHANGED: …"
//   "40: xrv RP/0/RP0/CPU0:Oct  4 22:52:47.441 UTC: cfgmgr[67310]: …"
bool read_router(SyslogScanner& in, SyslogMessage& message) {
    SyslogScanner ahead = in;
    if (!ahead.take_digits(10).empty() && !(ahead.take(':') && ahead.take(' '))) ahead = in;
    std::string_view host;
    std::string_view time = ahead.take_router_time();
    if (time.empty()) {
        if (!take_router_host(ahead, host)) return false;
        time = ahead.take_router_time();
    }
    ahead.take_spaces();
    if (time.empty() || !ahead.take(':')) return false;
    message.timestamp = time;
    if (!host.empty()) message.host = host;
    ahead.take_spaces();
    in = ahead;
    read_tag(in, message);
    return true;
}

}  // namespace

SyslogMessage parse_syslog(std::string_view line) {
    SyslogMessage message;
    SyslogScanner in{line};
    read_priority(in, message);
    if (!read_rfc5424(in, message) && !read_rfc3164(in, message) && !read_router(in, message)) {
        read_tag(in, message);
    }
    if (!in.rest().empty()) message.message = in.rest();
    return message;
}

const char* name_of(SyslogRefusal reason) {
    return reason == SyslogRefusal::empty ? "empty" : "too_long";
}

std::optional<SyslogRefusal> read_syslog(std::string_view line,
                                         std::array<Value, syslog_field_count>& values) {
    if (line.empty()) return SyslogRefusal::empty;
    if (line.size() > limits::text_bytes_max) return SyslogRefusal::too_long;
    values = {};
    const auto place = [&values](SyslogField field) -> Value& {
        return values[static_cast<std::size_t>(field)];
    };
    const auto set_text = [&place](SyslogField field, std::optional<std::string_view> text) {
        if (text && is_utf8(*text)) place(field) = Value::of_text(as_bytes(*text));
    };
    const auto set_number = [&place](SyslogField field, auto number) {
        if (number) place(field) = Value::of_integer(*number);
    };
    if (is_utf8(line)) {
        set_text(SyslogField::text, line);
    } else {
        place(SyslogField::raw) = Value::of_text(as_bytes(line));
    }
    const SyslogMessage message = parse_syslog(line);
    set_number(SyslogField::facility, message.facility);
    set_number(SyslogField::severity, message.severity);
    set_number(SyslogField::version, message.version);
    set_text(SyslogField::timestamp, message.timestamp);
    set_text(SyslogField::host, message.host);
    set_text(SyslogField::app, message.app);
    set_text(SyslogField::procid, message.procid);
    set_text(SyslogField::msgid, message.msgid);
    set_text(SyslogField::structured_data, message.structured_data);
    set_text(SyslogField::message, message.message);
    return std::nullopt;
}

}  // namespace longhaul::agent
