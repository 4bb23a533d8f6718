#include "agent/sources/field_config.hpp"

#include <algorithm>

namespace longhaul::agent {
namespace {

const std::vector<std::string_view> kind_words = {"integer", "decimal", "boolean", "enumeration",
                                                  "text",    "bytes",   "float32", "float64"};
constexpr FieldKind kinds[] = {FieldKind::integer,     FieldKind::decimal, FieldKind::boolean,
                               FieldKind::enumeration, FieldKind::text,    FieldKind::bytes,
                               FieldKind::float32,     FieldKind::float64};
const std::vector<std::string_view> class_words = {"alarm", "live", "normal", "bulk"};

// Each key alone is in order; this is about what they are together. What is wrong is told where it
// can be mended, and left out of the field.
void tell_contradictions(ConfigTable& table, Field& field, const std::vector<std::string>& labels) {
    if (field.scale != 0 && field.kind != FieldKind::decimal) {
        table.problem("scale", "has a place in a field of kind \"decimal\" only");
        field.scale = 0;
    }
    if (field.bounded && field.minimum > field.maximum) {
        table.problem("minimum", "is above \"maximum\"");
        field.bounded = false;
    }
    const bool enumeration = field.kind == FieldKind::enumeration;
    const auto wrong = std::find_if(labels.begin(), labels.end(), [&labels](const auto& label) {
        return label.empty() || label.find('\n') != std::string::npos ||
               std::count(labels.begin(), labels.end(), label) > 1;
    });
    if (enumeration && labels.empty()) {
        table.problem("kind", "is \"enumeration\", which needs \"labels\"");
    } else if (!enumeration && !labels.empty()) {
        table.problem("labels", "has a place in a field of kind \"enumeration\" only");
    } else if (wrong != labels.end()) {
        table.problem("labels", "has to be texts of one line, none of them empty or there twice");
    } else {
        return;
    }
    field.kind = FieldKind::text;
    field.labels = {};
}

}  // namespace

Field read_field(ConfigTable table, SchemaTexts& texts) {
    Field field;
    field.name = texts.keep(table.text("name"));
    const std::size_t kind = table.choice("kind", "text", kind_words);
    const bool kind_known = kind != 0 || table.text("kind", "text") == kind_words[0];
    field.kind = kinds[kind];
    field.scale = static_cast<std::uint8_t>(
        table.integer("scale", 0, {0, static_cast<std::int64_t>(limits::decimal_scale_max)}));
    field.unit = texts.keep(table.text("unit", ""));
    field.help = texts.keep(table.text("help", ""));
    field.nullable = table.boolean("nullable", false);
    const std::vector<std::string> labels = table.texts("labels");
    std::string lines;
    for (const std::string& label : labels) lines += label + "\n";
    field.labels = texts.keep(std::move(lines));
    field.bounded = table.has("minimum") || table.has("maximum");
    if (field.bounded) {
        constexpr Between<double> any{-1e300, 1e300};
        field.minimum = table.real("minimum", any.low, any);
        field.maximum = table.real("maximum", any.high, any);
    }
    if (!kind_known) {  // what else is said of it cannot be judged
        Field plain;
        plain.name = field.name;
        return plain;
    }
    tell_contradictions(table, field, labels);
    if (const Status valid = validate_field(field); !valid.ok() && !field.name.empty())
        table.problem("name", "is of a field that cannot be: " + to_string(valid.error()));
    return field;
}

BlockClass read_class(ConfigTable& table, std::string_view key, std::string_view absent) {
    return static_cast<BlockClass>(table.choice(key, absent, class_words));
}

Result<std::shared_ptr<const StoredSchema>, Message> own_schema(const Schema& schema) {
    std::vector<std::byte> room(limits::schema_bytes_max);
    ByteWriter out{room};
    const Status encoded = encode_schema(schema, out);
    if (!encoded.ok()) return Message{"the schema is not valid: " + to_string(encoded.error())};
    auto stored = StoredSchema::parse(out.written());
    LH_CHECK(stored.ok());  // it was encoded just now
    return std::shared_ptr<const StoredSchema>{std::move(stored).value()};
}

}  // namespace longhaul::agent
