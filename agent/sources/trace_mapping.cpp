#include "agent/sources/trace_mapping.hpp"

#include <cctype>

#include "agent/sources/field_config.hpp"
#include "common/host/config.hpp"

namespace longhaul::agent {
namespace {

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

    SchemaTexts texts;
    std::vector<Field> fields;
    for (ConfigTable table : root.tables("field")) {
        fields.push_back(read_field(table, texts));
        mapping->field_columns.push_back(table.text("column", fields.back().name));
    }
    ConfigTable section = root.table("schema");
    Schema schema;
    schema.name = texts.keep(section.text("name"));
    schema.fields = fields;
    schema.time = TimeKind::source;
    schema.tick_us = 1;
    schema.default_class = read_class(section, "class", "normal");
    schema.deadline_ms =
        static_cast<std::uint32_t>(section.integer("deadline_ms", 60'000, {0, 86'400'000}));
    LH_TRY(file.value().finish());

    auto stored = own_schema(schema);
    if (!stored.ok()) return Message{path + ": " + stored.error().text};
    mapping->schema_ = std::move(stored).value();
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
