#include "agent/sources/trace_mapping.hpp"

#include <algorithm>
#include <cctype>

#include "agent/sources/candump.hpp"
#include "agent/sources/field_config.hpp"
#include "agent/sources/gnss_schema.hpp"
#include "agent/sources/syslog_schema.hpp"
#include "common/host/config.hpp"

namespace longhaul::agent {
namespace {

const std::vector<std::string_view> format_words = {"csv", "ndjson", "candump", "nmea", "syslog"};
const std::vector<std::string_view> time_words = {"source", "device"};
constexpr std::uint32_t device_tick_us = 1000;

// Of a format that brings one; nullptr: the mapping has it.
const Schema* schema_of(TraceFormat format) {
    switch (format) {
        case TraceFormat::csv:
        case TraceFormat::ndjson:
            return nullptr;
        case TraceFormat::candump:
            return &can_frame_schema;
        case TraceFormat::nmea:
            return &gnss_schema;
        case TraceFormat::syslog:
            return &syslog_schema;
    }
    return nullptr;
}

bool is_device_name(std::string_view text) {
    return !text.empty() && text.size() <= limits::name_bytes_max &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

}  // namespace

// Reads the sections of the file in turn; problems are collected by the file.
class MappingReader {
 public:
    MappingReader(ConfigFile& file, TraceMapping& mapping)
        : file_{file}, root_{file.root()}, mapping_{mapping} {}

    Result<void, Message> read() {
        read_trace(root_.table("trace"));
        const Schema* const own = schema_of(mapping_.format);
        if (own != nullptr) {
            LH_TRY(file_.finish());
            mapping_.schema_ = own_schema(*own).value();
            return {};
        }
        SchemaTexts texts;
        std::vector<Field> fields;
        Schema schema;
        schema.time = read_time(root_.table("time"));
        schema.tick_us = schema.time == TimeKind::device ? device_tick_us : 1;
        for (ConfigTable table : root_.tables("field")) {
            fields.push_back(read_field(table, texts));
            mapping_.field_columns.push_back(table.text("column", fields.back().name));
        }
        ConfigTable section = root_.table("schema");
        schema.name = texts.keep(section.text("name"));
        schema.fields = fields;
        schema.default_class = read_class(section, "class", "normal");
        schema.deadline_ms =
            static_cast<std::uint32_t>(section.integer("deadline_ms", 60'000, {0, 86'400'000}));
        LH_TRY(file_.finish());
        auto stored = own_schema(schema);
        if (!stored.ok()) {
            section.problem("name", "is of a schema, and " + stored.error().text);
            return file_.finish();
        }
        mapping_.schema_ = std::move(stored).value();
        return {};
    }

 private:
    void read_trace(ConfigTable trace) {
        mapping_.file = trace.path("file");
        mapping_.format = static_cast<TraceFormat>(trace.choice("format", "csv", format_words));
        mapping_.stream = trace.text("stream");
        if (mapping_.stream.empty() || mapping_.stream.size() > limits::name_bytes_max)
            trace.problem("stream", "has to be 1 to 48 bytes");
        read_owner(trace);
        if (mapping_.format == TraceFormat::csv) read_csv(trace);
    }

    void read_csv(ConfigTable& trace) {
        const std::string separator = trace.text("separator", ",");
        if (separator.size() != 1 || separator == "\"" || separator == "\n") {
            trace.problem("separator", "has to be one character");
        } else {
            mapping_.csv.separator = separator.front();
        }
        mapping_.csv.head = trace.texts("columns");
        mapping_.csv.rest = trace.boolean("rest", false);
    }

    void read_owner(ConfigTable& trace) {
        if (trace.has("device_name")) {
            mapping_.device_fixed = trace.text("device_name");
            if (!is_device_name(mapping_.device_fixed))
                trace.problem("device_name", "has to be 1 to 48 of a-z, 0-9 and -");
            if (trace.has("device"))
                trace.problem("device", "has no place beside device_name: one of the two");
            return;
        }
        mapping_.device_columns = trace.texts("device");
        mapping_.device_prefix = trace.text("device_prefix", "");
        if (mapping_.device_columns.empty())
            trace.problem("device",
                          "needs the columns that name the device, or device_name its name");
        const Schema* const own = schema_of(mapping_.format);
        if (own == nullptr) return;
        for (const std::string& column : mapping_.device_columns) {
            const bool names =
                std::any_of(own->fields.begin(), own->fields.end(), [&column](const Field& field) {
                    return field.kind == FieldKind::text && field.name == column;
                });
            if (!names)
                trace.problem("device", "has to be texts of the schema " + std::string{own->name});
        }
    }

    TimeKind read_time(ConfigTable time) {
        const bool device = time.choice("kind", "source", time_words) == 1;
        mapping_.time_column = device ? time.text("column", "") : time.text("column");
        mapping_.time_pattern = time.text("format", "iso8601");
        if (!valid_time_pattern(mapping_.time_pattern)) {
            time.problem("format",
                         "has to be iso8601, unix_s, unix_ms, unix_us or a pattern of "
                         "%Y %m %d %H %M %S %f");
        }
        const auto offset = read_utc_offset(time.text("utc_offset", "+00:00"));
        if (!offset) time.problem("utc_offset", "has to look like \"+01:00\"");
        mapping_.utc_offset_s = offset.value_or(0);
        return device ? TimeKind::device : TimeKind::source;
    }

    ConfigFile& file_;
    ConfigTable root_;
    TraceMapping& mapping_;
};

namespace {

Result<std::unique_ptr<TraceMapping>, Message> read_mapping(Result<ConfigFile, Message> file,
                                                            std::unique_ptr<TraceMapping> mapping) {
    if (!file.ok()) return file.error();
    LH_TRY((MappingReader{file.value(), *mapping}.read()));
    return mapping;
}

}  // namespace

Result<std::unique_ptr<TraceMapping>, Message> TraceMapping::load(const std::string& path) {
    std::unique_ptr<TraceMapping> mapping{new TraceMapping};
    mapping->path = path;
    return read_mapping(ConfigFile::read(path), std::move(mapping));
}

Result<std::unique_ptr<TraceMapping>, Message> TraceMapping::parse(std::string_view text,
                                                                   const std::string& path) {
    std::unique_ptr<TraceMapping> mapping{new TraceMapping};
    mapping->path = path;
    return read_mapping(ConfigFile::parse(text, path), std::move(mapping));
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
