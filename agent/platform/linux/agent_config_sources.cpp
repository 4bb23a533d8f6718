#include "agent/platform/linux/agent_config_sources.hpp"

#include <set>

#include "agent/core/settings.hpp"
#include "agent/platform/linux/nmea_source.hpp"
#include "agent/platform/linux/syslog_datagrams.hpp"
#include "agent/sources/field_config.hpp"

namespace longhaul::agent {
namespace {

TraceConfig read_trace(ConfigTable trace, const std::string& device) {
    TraceConfig config;
    config.mapping = trace.path("mapping");
    config.file = trace.path("file", "");
    config.speed = trace.real("speed", 0, {0, 1e9});
    config.loop = trace.boolean("loop", false);
    config.device = trace.text("only", device);
    return config;
}

// The names of a device's streams, of which no two are equal. Those of recordings are in their
// mappings.
class StreamNames {
 public:
    std::string read(ConfigTable& table) { return checked(table, table.text("stream")); }
    std::string read(ConfigTable& table, std::string_view absent) {
        return checked(table, table.text("stream", absent));
    }
    // A name that a source has whatever is written; `key` is where a clash is told.
    void claim(ConfigTable& table, std::string_view key, const std::string& name) {
        if (!seen_.insert(name).second)
            table.problem(key,
                          "is of a source with the stream \"" + name + "\", which another has");
    }

 private:
    std::string checked(ConfigTable& table, const std::string& name) {
        if (name.empty() || name.size() > limits::name_bytes_max) {
            table.problem("stream", "has to be 1 to 48 bytes");
        } else {
            claim(table, "stream", name);
        }
        return name;
    }

    std::set<std::string> seen_;
};

NmeaConfig read_nmea(ConfigTable nmea, StreamNames& streams) {
    NmeaConfig config;
    config.path = nmea.path("path");
    config.baud = nmea.integer("baud", config.baud, {1, 1'000'000});
    if (!NmeaSource::valid_baud(config.baud)) {
        nmea.problem("baud",
                     "has to be 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800 or 921600");
    }
    config.stream = streams.read(nmea, "gnss");
    return config;
}

SyslogConfig read_syslog(ConfigTable syslog, StreamNames& streams) {
    SyslogConfig config;
    config.socket = syslog.path("socket", "");
    config.file = syslog.path("file", "");
    config.udp = syslog.text("udp", "");
    const bool remote = syslog.boolean("remote", false);
    config.from_start = syslog.boolean("from_start", false);
    config.stream = streams.read(syslog, "syslog");

    const int named = (config.socket.empty() ? 0 : 1) + (config.file.empty() ? 0 : 1) +
                      (config.udp.empty() ? 0 : 1);
    if (named != 1) syslog.problem("socket", "or \"file\" or \"udp\" has to be there, one of them");
    if (!config.udp.empty() && !valid_udp_address(config.udp)) {
        syslog.problem("udp", "has to look like \"127.0.0.1:5514\" or \"[::1]:5514\"");
    } else if (!config.udp.empty() && !remote && !is_loopback(config.udp)) {
        syslog.problem("udp",
                       "can be reached from other machines; say remote = true if it has to be");
    }
    return config;
}

PutConfig read_put(ConfigTable put, StreamNames& streams) {
    PutConfig config;
    config.stream = streams.read(put);
    if (config.stream == "why")
        put.problem("stream", "is \"why\", which is a question to the agent");
    SchemaTexts texts;
    std::vector<Field> fields;
    for (ConfigTable field : put.tables("field")) fields.push_back(read_field(field, texts));
    if (fields.empty()) put.problem("field", "is missing: a sample has at least one [[put.field]]");
    Schema schema;
    schema.name = texts.keep(put.text("schema", config.stream));
    schema.fields = fields;
    schema.time = TimeKind::device;
    schema.tick_us = 1000;
    schema.default_class = read_class(put, "class", "normal");
    schema.deadline_ms =
        static_cast<std::uint32_t>(put.integer("deadline_ms", 100, {0, 86'400'000}));
    auto owned = own_schema(schema);
    if (owned.ok()) {
        config.schema = std::move(owned).value();
    } else {
        put.problem(put.has("schema") ? "schema" : "stream",
                    "names a schema, and " + owned.error().text);
    }
    return config;
}

void read_system(ConfigTable& root, StreamNames& streams, AgentConfig& config) {
    if (!root.has("system")) return;
    ConfigTable system = root.table("system");
    config.system_interval_s = system.integer("interval_s", 60, {1, 86'400});
    for (const char* const stream : {"host", "interface", "temperature"})
        streams.claim(system, "interval_s", stream);
}

void read_control(ConfigTable& root, AgentConfig& config) {
    if (root.has("control")) {
        config.control_socket = root.table("control").path("socket", "agent.sock");
    }
    if (!config.put.empty() && config.control_socket.empty())
        root.problem("put", "needs [control] with a socket");
}

std::size_t count_streams(const AgentConfig& config) {
    constexpr std::size_t system_streams = 3;
    return config.traces.size() + config.nmea.size() + config.syslog.size() + config.put.size() +
           (config.system_interval_s == 0 ? 0 : system_streams);
}

}  // namespace

void read_sources(ConfigTable& root, AgentConfig& config) {
    StreamNames streams;
    for (ConfigTable trace : root.tables("trace"))
        config.traces.push_back(read_trace(trace, config.name));
    for (ConfigTable nmea : root.tables("nmea")) config.nmea.push_back(read_nmea(nmea, streams));
    for (ConfigTable syslog : root.tables("syslog"))
        config.syslog.push_back(read_syslog(syslog, streams));
    read_system(root, streams, config);
    for (ConfigTable put : root.tables("put")) config.put.push_back(read_put(put, streams));
    read_control(root, config);
    if (const std::size_t count = count_streams(config); count > streams_of_sources_max) {
        root.problem("put", "and all other sources have " + std::to_string(count) +
                                " streams; there may be " + std::to_string(streams_of_sources_max));
    }
}

}  // namespace longhaul::agent
