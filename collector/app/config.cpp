#include "collector/app/config.hpp"

#include "collector/net/endpoint.hpp"
#include "collector/registry/certificate.hpp"
#include "common/host/config.hpp"

namespace longhaul::collector {
namespace {

constexpr std::int64_t second_ms = 1000;
constexpr std::int64_t day_s = 86'400;

std::string read_address(ConfigTable table, std::string_view absent) {
    const std::string address = table.text("listen", absent);
    if (address == absent) return address;
    if (const auto endpoint = parse_endpoint(address); !endpoint.ok())
        table.problem("listen", "cannot be read: " + std::string{endpoint.error().detail});
    return address;
}

void read_collector(ConfigTable table, CollectorConfig& config) {
    config.environment = table.text("environment");
    if (table.has_text("environment") && !is_name_part(config.environment))
        table.problem("environment", "has to be 1 to 48 of a-z, 0-9 and -");
    config.gateway = table.choice("role", "collector", {"collector", "gateway"}) == 1;
    config.listen = read_address(table, "127.0.0.1:7600");
    config.connections_max =
        static_cast<std::size_t>(table.integer("connections_max", 20'000, {1, 1'000'000}));
    config.certificate = table.path("certificate");
    config.key = table.path("key");
    config.registry = table.path("registry", "registry.db");
    config.sealing_keys = table.path("sealing_keys", "sealing");
}

void read_journal(ConfigTable table, CollectorConfig& config) {
    config.journal_path = table.path("path");
    config.journal.shards_if_new = static_cast<Shard>(table.integer("shards", 1, {1, 1024}));
    config.journal.group_bytes_max =
        static_cast<std::size_t>(table.integer("group_bytes", 1 << 20, {4096, 64 << 20}));
    config.journal.group_ms_max = table.integer("group_ms", 2, {0, 1000});
    config.journal.segment_bytes_max = static_cast<std::uint64_t>(
        table.integer("segment_bytes", 64 << 20, {1 << 20, std::int64_t{1} << 32}));
    config.journal_reserve_bytes = static_cast<std::uint64_t>(
        table.integer("reserve_bytes", 64 << 20, {0, std::int64_t{1} << 50}));
    config.writer.snapshot_bytes = static_cast<std::uint64_t>(
        table.integer("snapshot_bytes", 256 << 20, {1 << 16, std::int64_t{1} << 40}));
    config.writer.snapshot_ms = table.integer("snapshot_s", 3600, {1, day_s}) * second_ms;
}

void read_lake(ConfigTable table, CollectorConfig& config) {
    // A gateway has no tables; what stands here is for the collector that comes after it.
    config.lake_path = config.gateway ? table.path("path", "") : table.path("path");
    config.writer.commit_interval_ms =
        table.integer("commit_interval_s", 15, {1, day_s}) * second_ms;
    config.writer.rows_max =
        static_cast<std::size_t>(table.integer("rows_max", 1'000'000, {1, 100'000'000}));
    config.writer.bytes_max = static_cast<std::size_t>(
        table.integer("bytes_max", 64 << 20, {1 << 16, std::int64_t{4} << 30}));
    UpkeepSettings& upkeep = config.upkeep;
    upkeep.interval_ms = table.integer("upkeep_interval_s", 60, {1, day_s}) * second_ms;
    upkeep.compaction.target_bytes = static_cast<std::uint64_t>(
        table.integer("compaction_bytes", 256 << 20, {0, std::int64_t{4} << 30}));
    upkeep.removed_days = table.integer("removed_days", 7, {1, 3650});
    upkeep.log_days = table.integer("log_days", 7, {1, 3650});
    upkeep.retention_days = table.integer("retention_days", 730, {0, 36'500});
    upkeep.state_interval_ms = table.integer("state_interval_s", 600, {1, day_s}) * second_ms;
}

void read_session(ConfigTable table, CollectorConfig& config) {
    config.credit_bytes =
        static_cast<std::uint64_t>(table.integer("credit_bytes", 256 << 10, {32 << 10, 64 << 20}));
    config.under_way_bytes = static_cast<std::uint64_t>(
        table.integer("under_way_bytes", 256 << 20, {1 << 20, std::int64_t{1} << 40}));
    config.handshake_deadline_ms = table.integer("handshake_deadline_s", 30, {1, 600}) * second_ms;
    config.handshakes_max =
        static_cast<std::size_t>(table.integer("handshakes_max", 1000, {1, 100'000}));
    config.full_handshakes_per_s = table.integer("full_handshakes_per_s", 500, {1, 100'000});
    config.hello_deadline_ms = table.integer("hello_deadline_s", 15, {1, 600}) * second_ms;
    config.idle_deadline_ms = table.integer("idle_deadline_s", 900, {1, 7 * day_s}) * second_ms;
    config.cost_interval_ms = table.integer("cost_interval_s", 600, {1, day_s}) * second_ms;
}

void read_enrolment(ConfigTable table, CollectorConfig& config) {
    config.enrolment_listen = read_address(table, "");
    config.enrolment_collector = table.text("collector", "");
    if (config.enrolment_collector.size() > 128 ||
        (!config.enrolment_collector.empty() &&
         config.enrolment_collector.find(':') == std::string::npos))
        table.problem("collector", "has to look like host:port, of 128 bytes at most");
    config.enrolment = table.path("authorities", "enrolment");
    config.certificate_days = table.integer("certificate_days", 90, {1, 825});
}

void read_log(ConfigTable table, CollectorConfig& config) {
    config.log_level =
        log_levels[table.choice("level", "info", {log_levels.begin(), log_levels.end()})];
    config.log_format = static_cast<LogFormat>(table.choice("format", "text", {"text", "json"}));
}

}  // namespace

Result<CollectorConfig, Message> read_config(const std::string& path) {
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(path));
    CollectorConfig config;
    read_collector(file.table("collector"), config);
    read_journal(file.table("journal"), config);
    read_lake(file.table("lake"), config);
    read_session(file.table("session"), config);
    read_enrolment(file.table("enrolment"), config);
    config.http_listen = read_address(file.table("http"), "");
    read_log(file.table("log"), config);
    LH_TRY(file.finish());
    return config;
}

std::string_view config_example() {
    return R"(# Configuration of longhaul-collector. Relative paths count from this file's folder.
# What is commented out shows the default.

[collector]
environment = "demo"              # devices of other environments are refused
# role = "collector"              # "gateway": keeps blocks in the journal, holds no key, writes no tables
listen = "127.0.0.1:7600"         # port 0: any free one, see --port-file
# connections_max = 20000
certificate = "server.crt"        # PEM, with its chain behind it
key = "server.key"                # PEM, mode 0600
# registry = "registry.db"        # SQLite: tenants, their authorities, allowed devices
# sealing_keys = "sealing"        # folder of <id>.key: what opens the blocks; of a gateway, of <id>.crt alone

[journal]
path = "journal"                  # folder on a local disk; used by one collector at a time
# shards = 1                      # fixed when the journal is made
# group_bytes = 1048576           # a group is synced when it has this many bytes ...
# group_ms = 2                    # ... or is this old
# segment_bytes = 67108864
# reserve_bytes = 67108864        # with less free room on its disk devices wait until there is more
# snapshot_bytes = 268435456      # the writer's state is kept after so many bytes, the journal cut below the one before ...
# snapshot_s = 3600               # ... or after this time

[lake]
path = "lake"                     # folder of <tenant>/<schema>, each a Delta table
# commit_interval_s = 15          # rows become visible after this time at the latest ...
# rows_max = 1000000              # ... or when so many are waiting ...
# bytes_max = 67108864            # ... or so many bytes
# upkeep_interval_s = 60          # small files are merged, logs get checkpoints; hourly what is old goes
# compaction_bytes = 268435456    # files are merged up to this size; 0: never
# removed_days = 7                # files that a table has no more are kept so long for who still reads them
# log_days = 7                    # and commits below a checkpoint
# retention_days = 730            # rows older than this go, and are listed in _expired; 0: never
# state_interval_s = 600          # _devices and _gaps are replaced so often

[session]
# credit_bytes = 262144           # of blocks that a device may have under way
# under_way_bytes = 268435456     # of all devices, not durable yet; with more, they wait
# handshake_deadline_s = 30
# handshakes_max = 1000            # at once; the oldest that waits for its device makes room
# full_handshakes_per_s = 500      # may begin; those who resume come before and are not counted
# hello_deadline_s = 15
# idle_deadline_s = 900           # a device that says nothing for so long is disconnected
# cost_interval_s = 600           # what a connection costs goes into the journal so often, and at its end

[enrolment]
# listen = ""                     # "0.0.0.0:7602": devices get their first certificate there
# collector = ""                  # "host:port" that new devices send to; empty: the host where they enrolled
# authorities = "enrolment"       # folder of <tenant>.key, see `longhaul tenant enrolment`; renewal needs it as well
# certificate_days = 90           # of the certificates that are issued here

[http]
# listen = ""                     # "127.0.0.1:7601" answers /metrics, /healthz and /readyz there

[log]
# level = "info"                  # debug, info, warn or error
# format = "text"                 # text or json
)";
}

}  // namespace longhaul::collector
