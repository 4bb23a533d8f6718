#include "agent/platform/linux/agent_config_sources.hpp"

#include <set>

#include "agent/core/settings.hpp"
#include "agent/platform/linux/nmea_source.hpp"

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
    std::string read(ConfigTable& table, std::string_view absent) {
        std::string name = table.text("stream", absent);
        if (name.empty() || name.size() > limits::name_bytes_max) {
            table.problem("stream", "has to be 1 to 48 bytes");
        } else if (!seen_.insert(name).second) {
            table.problem("stream", "is \"" + name + "\", which another source has");
        }
        return name;
    }

 private:
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

}  // namespace

void read_sources(ConfigTable& root, AgentConfig& config) {
    StreamNames streams;
    for (ConfigTable trace : root.tables("trace")) {
        config.traces.push_back(read_trace(trace, config.name));
    }
    for (ConfigTable nmea : root.tables("nmea")) config.nmea.push_back(read_nmea(nmea, streams));
    const std::size_t count = config.traces.size() + config.nmea.size();
    if (count > streams_of_sources_max)
        root.problem("trace", "and the other sources have " + std::to_string(count) +
                                  " streams, there may be 31");
}

}  // namespace longhaul::agent
