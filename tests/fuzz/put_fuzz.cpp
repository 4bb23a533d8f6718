// Attacks the lines by which programs put samples: what is read is written and read again as the
// same, and values of a schema are bounded by it.
#include <string_view>

#include "agent/sources/put_line.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

Field field_of(std::string_view name, FieldKind kind) {
    Field field;
    field.name = name;
    field.kind = kind;
    field.nullable = true;
    if (kind == FieldKind::decimal) field.scale = 2;
    if (kind == FieldKind::enumeration) field.labels = "open\nclosed\n";
    return field;
}

const Field fields[] = {
    field_of("i", FieldKind::integer), field_of("d", FieldKind::decimal),
    field_of("b", FieldKind::boolean), field_of("e", FieldKind::enumeration),
    field_of("t", FieldKind::text),    field_of("f", FieldKind::float32),
    field_of("g", FieldKind::float64), field_of("x", FieldKind::bytes),
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > put_line_bytes_max) return 0;
    const auto put = parse_put_line({reinterpret_cast<const char*>(data), size});
    if (!put.ok()) return 0;
    const auto again = parse_put_line(write_put_line(put.value()));
    LH_CHECK(again.ok());
    LH_CHECK(again.value().stream == put.value().stream);
    LH_CHECK(again.value().fields == put.value().fields);

    Schema schema;
    schema.name = "fuzz";
    schema.fields = fields;
    ByteArena arena{0};
    const auto values = put_values(put.value(), schema, arena);
    if (!values.ok()) return 0;
    LH_CHECK(values.value().size() == schema.fields.size());
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
        const Value& value = values.value()[i];
        const bool text = value.form == ValueForm::text;
        LH_CHECK(!text || value.text.size() <= limits::text_bytes_max);
        LH_CHECK(!text || fields[i].kind == FieldKind::text || fields[i].kind == FieldKind::bytes);
        LH_CHECK(fields[i].kind != FieldKind::enumeration || value.integer <= 1);
    }
    return 0;
}
