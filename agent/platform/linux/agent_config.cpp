#include "agent/platform/linux/agent_config.hpp"

#include "agent/core/settings.hpp"
#include "agent/platform/linux/tcp_link.hpp"
#include "common/host/config.hpp"

namespace longhaul::agent {
namespace {

std::string name_part(ConfigTable& table, std::string_view key) {
    std::string text = table.text(key);
    const bool usable =
        text.size() <= limits::name_bytes_max &&
        text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    if (!usable) table.problem(key, "has to be at most 48 of a-z, 0-9 and -");
    return text;
}

void read_device(ConfigTable device, AgentConfig& config) {
    config.environment = name_part(device, "environment");
    config.tenant = name_part(device, "tenant");
    config.name = name_part(device, "name");
    config.certificate = device.path("certificate");
    config.key = device.path("key");
    config.secret = device.path("secret");
    config.root = device.path("root");
    config.sealing_key = device.path("sealing_key");
}

void read_collector(ConfigTable collector, AgentConfig& config) {
    config.address = collector.text("address");
    if (!config.address.empty() && !TcpLink::valid_address(config.address)) {
        collector.problem("address", "has to look like host:port");
    }
    config.server_name = collector.text("server_name");
}

TraceConfig read_trace(ConfigTable trace, const std::string& device) {
    TraceConfig config;
    config.mapping = trace.path("mapping");
    config.file = trace.path("file", "");
    config.speed = trace.real("speed", 0, {0, 1e9});
    config.device = trace.text("only", device);
    return config;
}

}  // namespace

Result<AgentConfig, Message> load_agent_config(const std::string& path) {
    auto file = ConfigFile::read(path);
    if (!file.ok()) return file.error();
    ConfigTable root = file.value().root();

    AgentConfig config;
    config.path = path;
    read_device(root.table("device"), config);
    read_collector(root.table("collector"), config);

    ConfigTable spool = root.table("spool");
    config.spool_path = spool.path("path", "spool.db");
    config.spool_bytes_max = static_cast<std::uint64_t>(
        spool.integer("bytes_max", 64 << 20, {64 << 10, std::int64_t{1} << 40}));
    config.body_bytes_max = static_cast<std::size_t>(
        root.table("block").integer("body_bytes_max", 4096,
                                    {static_cast<std::int64_t>(body_bytes_min),
                                     static_cast<std::int64_t>(limits::block_body_bytes_max)}));

    for (ConfigTable trace : root.tables("trace")) {
        config.traces.push_back(read_trace(trace, config.name));
    }
    if (config.traces.size() > streams_of_sources_max)
        root.problem("trace", "there may be 31 at most");
    LH_TRY(file.value().finish());
    return config;
}

const char* const agent_config_example =
    R"toml(# Configuration of one device. Relative paths count from the folder of this file.

[device]
environment = "demo"           # these three have to be those of the certificate
tenant = "acme"
name = "bus-2228"
certificate = "device.crt"     # the device's, then the tenant authority's
key = "device.key"             # readable by its owner only
secret = "device.secret"       # 32 random bytes, readable by their owner only; never sent
root = "root.crt"              # the only authority that is trusted
sealing_key = "sealing.crt"    # public key that blocks are sealed for, signed by the tenant's authority

[collector]
address = "127.0.0.1:7600"
server_name = "localhost"      # what the collector's certificate has to be for

[spool]                        # where sealed blocks wait until the collector has them on disk
path = "spool.db"
bytes_max = 67108864

[block]
body_bytes_max = 4096          # 1100 on links where every datagram counts

# What the device measures. Here: a recording, replayed.
[[trace]]
mapping = "bus.toml"           # which columns are what
#file = "bus.csv"              # default: the one that the mapping names
speed = 0                      # 0: as fast as possible; 1: as recorded; 60: a minute in a second
#only = "bus-2228"             # the device in the recording; default: device.name
)toml";

}  // namespace longhaul::agent
