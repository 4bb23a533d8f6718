// Attacks the reader of syslog lines: the line is kept byte for byte, and everything told of it
// lies within it.
#include <string_view>

#include "agent/sources/syslog_message.hpp"
#include "common/base/check.hpp"
#include "common/base/utf8.hpp"
#include "common/block/limits.hpp"

using namespace longhaul;
using namespace longhaul::agent;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line{reinterpret_cast<const char*>(data), size};
    std::array<Value, syslog_field_count> values;
    if (const auto refusal = read_syslog(line, values)) {
        LH_CHECK(line.empty() == (*refusal == SyslogRefusal::empty));
        LH_CHECK(line.empty() || line.size() > limits::text_bytes_max);
        return 0;
    }
    const Value& text = values[static_cast<std::size_t>(SyslogField::text)];
    const Value& raw = values[static_cast<std::size_t>(SyslogField::raw)];
    LH_CHECK((text.form == ValueForm::null) != (raw.form == ValueForm::null));
    LH_CHECK(as_text(text.form == ValueForm::text ? text.text : raw.text) == line);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const Value& value = values[i];
        if (value.form != ValueForm::text) continue;
        LH_CHECK(value.text.data() >= as_bytes(line).data() &&
                 value.text.data() + value.text.size() <= as_bytes(line).data() + line.size());
        LH_CHECK(syslog_schema.fields[i].kind == FieldKind::bytes || is_utf8(value.text));
    }
    const SyslogMessage message = parse_syslog(line);
    LH_CHECK(!message.facility || (*message.facility <= 23 && *message.severity <= 7));
    LH_CHECK(!message.message || line.ends_with(*message.message));
    return 0;
}
