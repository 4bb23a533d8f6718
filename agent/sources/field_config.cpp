#include "agent/sources/field_config.hpp"

namespace longhaul::agent {
namespace {

const std::vector<std::string_view> kind_words = {"integer", "decimal", "boolean", "enumeration",
                                                  "text",    "bytes",   "float32", "float64"};
constexpr FieldKind kinds[] = {FieldKind::integer,     FieldKind::decimal, FieldKind::boolean,
                               FieldKind::enumeration, FieldKind::text,    FieldKind::bytes,
                               FieldKind::float32,     FieldKind::float64};
const std::vector<std::string_view> class_words = {"alarm", "live", "normal", "bulk"};

}  // namespace

Field read_field(ConfigTable table, SchemaTexts& texts) {
    Field field;
    field.name = texts.keep(table.text("name"));
    field.kind = kinds[table.choice("kind", "text", kind_words)];
    field.scale = static_cast<std::uint8_t>(
        table.integer("scale", 0, {0, static_cast<std::int64_t>(limits::decimal_scale_max)}));
    field.unit = texts.keep(table.text("unit", ""));
    field.help = texts.keep(table.text("help", ""));
    field.nullable = table.boolean("nullable", false);
    std::string labels;
    for (const std::string& label : table.texts("labels")) labels += label + "\n";
    field.labels = texts.keep(std::move(labels));
    field.bounded = table.has("minimum") || table.has("maximum");
    if (field.bounded) {
        constexpr Between<double> any{-1e300, 1e300};
        field.minimum = table.real("minimum", any.low, any);
        field.maximum = table.real("maximum", any.high, any);
    }
    // Each value alone was in order; this is about what they are together.
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
