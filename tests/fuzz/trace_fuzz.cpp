// Attacks mappings and recordings together: what stands before the first zero byte is the mapping,
// behind it lies the recording. A mapping is refused with a reason, or the rows of any recording
// have values of its schema's kinds.
#include "agent/sources/trace_formats.hpp"
#include "common/base/check.hpp"
#include "common/base/utf8.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

void check(const Field& field, const Value& value) {
    if (value.form == ValueForm::null) {
        LH_CHECK(field.nullable);
        return;
    }
    const bool textual = field.kind == FieldKind::text || field.kind == FieldKind::bytes;
    LH_CHECK((value.form == ValueForm::text) == textual);
    LH_CHECK(value.text.size() <= limits::text_bytes_max);
    LH_CHECK(field.kind != FieldKind::text || is_utf8(value.text));
    if (field.kind == FieldKind::enumeration)
        LH_CHECK(value.integer >= 0 &&
                 static_cast<std::size_t>(value.integer) < field.label_count());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input{reinterpret_cast<const char*>(data), size};
    const std::size_t end = std::min(input.find('\0'), size);
    const auto mapping = TraceMapping::parse(input.substr(0, end), "mapping.toml");
    if (!mapping.ok()) {
        LH_CHECK(!mapping.error().text.empty());
        return 0;
    }
    const std::string_view text = input.substr(std::min(end + 1, size));
    const auto rows = open_rows(*mapping.value(), text, "recording");
    if (!rows.ok()) return 0;
    const std::span<const Field> fields = mapping.value()->schema().fields;
    std::vector<Value> values(fields.size());
    while (rows.value()->next()) {
        static_cast<void>(rows.value()->device_parts());
        std::int64_t time_us = 0;
        if (!rows.value()->read(time_us, values)) continue;
        for (std::size_t i = 0; i < fields.size(); ++i) check(fields[i], values[i]);
    }
    return 0;
}
