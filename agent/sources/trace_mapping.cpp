#include "agent/sources/trace_mapping.hpp"

#include <cctype>
#include <deque>

#include "common/host/config.hpp"

namespace longhaul::agent {
namespace {

const std::vector<std::string_view> kind_words = {"integer", "decimal", "boolean", "enumeration",
                                                  "text",    "float32", "float64"};
constexpr FieldKind kinds[] = {FieldKind::integer,     FieldKind::decimal, FieldKind::boolean,
                               FieldKind::enumeration, FieldKind::text,    FieldKind::float32,
                               FieldKind::float64};
const std::vector<std::string_view> class_words = {"alarm", "live", "normal", "bulk"};

// Keeps the texts that a Field points to until the schema is encoded.
class Texts {
 public:
    std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

 private:
    std::deque<std::string> texts_;
};

Field read_field(ConfigTable table, Texts& texts, std::string& column) {
    Field field;
    field.name = texts.keep(table.text("name"));
    column = table.text("column", field.name);
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
    return field;
}

void read_trace_section(ConfigTable trace, TraceMapping& mapping) {
    mapping.file = trace.path("file");
    trace.choice("format", "csv", {"csv"});
    const std::string separator = trace.text("separator", ",");
    if (separator.size() != 1 || separator == "\"" || separator == "\n") {
        trace.problem("separator", "has to be one character");
    } else {
        mapping.separator = separator.front();
    }
    mapping.device_columns = trace.texts("device");
    mapping.device_prefix = trace.text("device_prefix", "");
    mapping.stream = trace.text("stream");
    if (mapping.stream.empty() || mapping.stream.size() > limits::name_bytes_max)
        trace.problem("stream", "has to be 1 to 48 bytes");
    if (mapping.device_columns.empty())
        trace.problem("device", "needs the columns that name the device");
}

void read_time_section(ConfigTable time, TraceMapping& mapping) {
    mapping.time_column = time.text("column");
    mapping.time_pattern = time.text("format", "iso8601");
    if (!valid_time_pattern(mapping.time_pattern)) {
        time.problem("format", "has to be iso8601 or a pattern of %Y %m %d %H %M %S");
    }
    const auto offset = read_utc_offset(time.text("utc_offset", "+00:00"));
    if (!offset) time.problem("utc_offset", "has to look like \"+01:00\"");
    mapping.utc_offset_s = offset.value_or(0);
}

}  // namespace

Result<std::unique_ptr<TraceMapping>, Message> TraceMapping::load(const std::string& path) {
    auto file = ConfigFile::read(path);
    if (!file.ok()) return file.error();
    ConfigTable root = file.value().root();

    std::unique_ptr<TraceMapping> mapping{new TraceMapping};
    mapping->path = path;
    read_trace_section(root.table("trace"), *mapping);
    read_time_section(root.table("time"), *mapping);

    Texts texts;
    std::vector<Field> fields;
    for (ConfigTable table : root.tables("field")) {
        fields.push_back(read_field(table, texts, mapping->field_columns.emplace_back()));
    }
    ConfigTable section = root.table("schema");
    Schema schema;
    schema.name = texts.keep(section.text("name"));
    schema.fields = fields;
    schema.time = TimeKind::source;
    schema.tick_us = 1;
    schema.default_class = static_cast<BlockClass>(section.choice("class", "normal", class_words));
    schema.deadline_ms =
        static_cast<std::uint32_t>(section.integer("deadline_ms", 60'000, {0, 86'400'000}));
    LH_TRY(file.value().finish());

    mapping->encoded_.resize(limits::schema_bytes_max);
    ByteWriter out{mapping->encoded_};
    const Status encoded = encode_schema(schema, out);
    if (!encoded.ok())
        return Message{path + ": the schema is not valid: " + to_string(encoded.error())};
    mapping->encoded_.resize(out.size());
    // Read back, so that all texts lie in the encoding that the mapping owns.
    auto parsed = parse_schema(mapping->encoded_, mapping->fields_);
    LH_CHECK(parsed.ok());
    mapping->schema_ = parsed.value();
    return mapping;
}

std::string device_name(std::string_view prefix, const std::vector<std::string_view>& parts) {
    std::string raw{prefix};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i != 0) raw += '-';
        raw += parts[i];
    }
    std::string name;
    for (const char c : raw) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80 && std::isalnum(byte) != 0) {
            name += static_cast<char>(std::tolower(byte));
        } else if (!name.empty() && name.back() != '-') {
            name += '-';
        }
    }
    while (name.ends_with('-')) name.pop_back();
    return name;
}

}  // namespace longhaul::agent
