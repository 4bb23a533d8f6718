#include "collector/app/metrics.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>

namespace longhaul::collector {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class Families {
 public:
    void counter(const char* name, const char* help, std::uint64_t value) {
        add(name, help, MetricType::Counter).counter.value = static_cast<double>(value);
    }
    void counter(const char* name, const char* help, ClientMetric::Label label,
                 std::uint64_t value) {
        ClientMetric& metric = add(name, help, MetricType::Counter);
        metric.label.push_back(std::move(label));
        metric.counter.value = static_cast<double>(value);
    }
    void gauge(const char* name, const char* help, double value) {
        add(name, help, MetricType::Gauge).gauge.value = value;
    }
    void gauge(const char* name, const char* help, std::uint64_t value) {
        gauge(name, help, static_cast<double>(value));
    }
    void gauge(const char* name, const char* help, ClientMetric::Label label, double value) {
        ClientMetric& metric = add(name, help, MetricType::Gauge);
        metric.label.push_back(std::move(label));
        metric.gauge.value = value;
    }
    void histogram(const char* name, const char* help, const Durations::Reading& reading) {
        auto& histogram = add(name, help, MetricType::Histogram).histogram;
        for (std::size_t i = 0; i < reading.counts.size(); ++i) {
            histogram.sample_count += reading.counts[i];
            const bool open = i == Durations::bounds_s.size();
            histogram.bucket.push_back(
                {histogram.sample_count,
                 open ? std::numeric_limits<double>::infinity() : Durations::bounds_s[i]});
        }
        histogram.sample_sum = reading.sum_s;
    }
    std::string text() const { return prometheus::TextSerializer{}.Serialize(families_); }

 private:
    // Metrics of one name follow each other.
    ClientMetric& add(const char* name, const char* help, MetricType type) {
        if (families_.empty() || families_.back().name != name)
            families_.push_back({name, help, type, {}});
        return families_.back().metric.emplace_back();
    }

    std::vector<MetricFamily> families_;
};

double seconds_of(WallUs time) { return static_cast<double>(time.value) / 1e6; }

void add_process(Families& to, const Readings& from) {
    to.gauge("longhaul_build_info", "Always 1; its label says which version runs.",
             {"version", LH_VERSION}, 1);
    to.gauge("process_start_time_seconds", "When the process started, since 1970.",
             seconds_of(from.started));
    to.gauge("longhaul_ready", "1 while devices are served, as /readyz says.",
             from.ready ? 1.0 : 0.0);
    to.gauge("longhaul_certificate_expiry_timestamp_seconds",
             "When the collector's certificate ends, since 1970.",
             seconds_of(from.certificate_expires));
    for (const Readings::Folder& folder : from.folders) {
        to.gauge("longhaul_disk_free_bytes", "Free room of the folder's file system.",
                 {"folder", folder.name}, static_cast<double>(folder.space.free_bytes));
    }
    for (const Readings::Folder& folder : from.folders) {
        to.gauge("longhaul_disk_size_bytes", "Size of the folder's file system.",
                 {"folder", folder.name}, static_cast<double>(folder.space.size_bytes));
    }
}

void add_gateway(Families& to, const GatewayCounters& from) {
    to.gauge("longhaul_connections", "Connections that are open.", from.connections);
    to.counter("longhaul_connections_accepted_total", "Connections that were accepted.",
               from.accepted);
    to.gauge("longhaul_sessions", "Devices that are connected.", from.sessions_open);
    to.counter("longhaul_sessions_opened_total", "Connections on which a device was let in.",
               from.sessions);
    for (std::size_t i = 0; i < refusal_reason_count; ++i) {
        to.counter("longhaul_refusals_total", "Connections and sessions that were refused.",
                   {"reason", name_of(static_cast<RefusalReason>(i))}, from.refused_by[i]);
    }
    for (std::size_t i = 1; i < credit_wait_count; ++i) {
        to.gauge("longhaul_sessions_waiting", "Devices that may not send now, and what for.",
                 {"reason", name_of(static_cast<CreditWait>(i))},
                 static_cast<double>(std::uint64_t{from.waiting[i]}));
    }
    to.counter("longhaul_clone_alarms_total", "How often a device was there twice.", from.clones);
    const auto of = [&from](RefusalReason reason) -> std::uint64_t {
        return from.refused_by[static_cast<std::size_t>(reason)];
    };
    to.counter("longhaul_handshakes_total", "TLS handshakes that succeeded.", {"kind", "full"},
               from.handshakes_full);
    to.counter("longhaul_handshakes_total", "TLS handshakes that succeeded.", {"kind", "resumed"},
               from.handshakes_resumed);
    to.counter("longhaul_handshake_failures_total", "TLS handshakes that did not succeed.",
               of(RefusalReason::handshake) + of(RefusalReason::handshake_deadline));
    to.counter("longhaul_connection_exceptions_total",
               "Connections that ended by an exception of a library.", from.exceptions);
    to.counter("longhaul_received_bytes_total", "Bytes from devices' sockets, TLS included.",
               from.bytes_received);
    to.counter("longhaul_blocks_received_total", "Blocks that devices sent.", from.blocks);
    to.counter("longhaul_block_bytes_received_total", "Bytes of these blocks.", from.block_bytes);
    to.counter("longhaul_blocks_acknowledged_total", "Blocks that are durable and acknowledged.",
               from.acked_blocks);
    to.counter("longhaul_block_bytes_acknowledged_total", "Bytes of these blocks.",
               from.acked_bytes);
}

void add_journal(Families& to, const Readings& from) {
    to.gauge("longhaul_journal_durable_bytes", "Entries that are durable, over all shards.",
             from.durable_bytes);
    to.counter("longhaul_journal_written_bytes_total", "Bytes that became durable.",
               from.journal->bytes);
    to.counter("longhaul_journal_entries_total", "Entries that were taken.", from.journal->entries);
    to.counter("longhaul_journal_groups_total", "Groups of entries that were synced together.",
               from.journal->groups);
    to.histogram("longhaul_journal_sync_seconds", "Writing and syncing a group.",
                 from.journal->sync.read());
    to.gauge("longhaul_journal_failed", "1 when the journal failed and takes nothing more.",
             from.journal->failed ? 1.0 : 0.0);
    to.gauge("longhaul_oldest_unacknowledged_seconds",
             "Age of the oldest thing a device sent that is not durable yet.",
             from.oldest_unacknowledged_s);
}

void add_writer(Families& to, const Readings& from) {
    const WriterProgress& writer = *from.writer;
    const WriterCounters& counters = writer.counters;
    to.counter("longhaul_writer_rows_total", "Rows that were put into tables.", counters.rows);
    to.counter("longhaul_writer_commits_total", "Commits to tables.", counters.commits);
    to.counter("longhaul_writer_files_total", "Batch files that were written.", counters.files);
    to.gauge("longhaul_writer_blocks", "Blocks of the journal that became rows.", counters.blocks);
    to.gauge("longhaul_writer_duplicate_blocks", "Blocks of the journal that had come before.",
             counters.duplicates);
    to.gauge("longhaul_writer_quarantined_entries", "Entries of the journal in quarantine.",
             counters.quarantined);
    to.counter("longhaul_writer_forks_total",
               "Blocks and records under a name that another content had taken.", counters.forks);
    to.gauge("longhaul_writer_released_blocks",
             "Blocks of the journal that became rows after they had been in quarantine.",
             counters.released);
    to.gauge("longhaul_writer_damaged_entries", "Entries of the journal that cannot be read.",
             counters.damaged);
    to.gauge("longhaul_writer_lag_bytes", "Bytes of the journal that are not in tables yet.",
             from.durable_bytes - std::min(writer.bytes_done, from.durable_bytes));
    const double oldest = writer.oldest ? seconds_of(from.now) - seconds_of(*writer.oldest) : 0;
    to.gauge("longhaul_writer_lag_seconds",
             "Age of the oldest durable thing that is not in a table yet.", std::max(oldest, 0.0));
    for (std::size_t i = 0; i < from.durable_ends.size() && i < writer.offsets_done.size(); ++i) {
        const Offset end = from.durable_ends[i];
        to.gauge("longhaul_writer_shard_lag_bytes",
                 "Bytes of a shard of the journal that are not in tables yet.",
                 {"shard", std::to_string(i)},
                 static_cast<double>(end - std::min(writer.offsets_done[i], end)));
    }
    to.gauge("longhaul_writer_failing", "1 while the writer's last step failed.",
             from.writer_failing ? 1.0 : 0.0);
    if (writer.last_commit) {
        to.gauge("longhaul_writer_last_commit_timestamp_seconds",
                 "When this process committed the last time, since 1970.",
                 seconds_of(*writer.last_commit));
    }
}

void add_upkeep(Families& to, const UpkeepProgress& from) {
    const UpkeepCounters& counters = from.counters;
    to.gauge("longhaul_lake_tables", "Tables, as the upkeep looked at them last.", from.tables);
    to.gauge("longhaul_lake_files", "Files of all tables.", from.all.files);
    to.gauge("longhaul_lake_rows", "Rows of all tables.", from.all.rows);
    to.gauge("longhaul_lake_bytes", "Bytes of these files.", from.all.bytes);
    to.gauge("longhaul_lake_removed_files",
             "Files that tables have no more, kept for who still reads them.",
             from.all.removed_files);
    to.counter("longhaul_lake_compactions_total", "Files that were made of smaller ones.",
               counters.compactions);
    to.counter("longhaul_lake_merged_files_total", "The smaller ones.", counters.merged_files);
    to.counter("longhaul_lake_merged_bytes_total", "Their bytes.", counters.merged_bytes);
    to.counter("longhaul_lake_conflicts_total",
               "Merges that were given up because another program had changed the files.",
               counters.conflicts);
    to.counter("longhaul_lake_checkpoints_total", "Checkpoints that were written.",
               counters.checkpoints);
    to.counter("longhaul_lake_deleted_files_total", "Old files that were deleted.",
               counters.removed_files);
    to.counter("longhaul_lake_deleted_bytes_total", "Their bytes.", counters.removed_bytes);
    to.counter("longhaul_lake_deleted_commits_total", "Commits cut off below a checkpoint.",
               counters.removed_commits);
    to.counter("longhaul_lake_expired_rows_total", "Rows that were older than they are kept.",
               counters.expired_rows);
    to.counter("longhaul_lake_upkeep_failures_total",
               "Pieces of upkeep that did not succeed and are tried again.", counters.failures);
}

// As the state tables say; they are some minutes old.
void add_devices(Families& to, const Readings& readings) {
    const UpkeepProgress& from = *readings.upkeep;
    constexpr std::int64_t hour_ms = 3'600'000;
    for (const auto& [name, span_ms] : {std::pair{"hour", hour_ms}, std::pair{"day", 24 * hour_ms},
                                        std::pair{"week", 7 * 24 * hour_ms}}) {
        const std::int64_t since_ms = readings.now.value / 1000 - span_ms;
        const auto stale = std::count_if(from.grown_ms.begin(), from.grown_ms.end(),
                                         [&](std::int64_t ms) { return ms < since_ms; });
        to.gauge("longhaul_lake_stale_tables", "Data tables that got no rows for so long.",
                 {"for", name}, static_cast<double>(stale));
    }
    const StateTables::Counts& counts = from.devices;
    if (!counts.surveyed_at) return;
    to.gauge("longhaul_devices_surveyed_timestamp_seconds",
             "When the devices were looked at the last time, since 1970.",
             seconds_of(*counts.surveyed_at));
    to.gauge("longhaul_devices", "Devices that have ever sent something.", counts.devices);
    to.gauge("longhaul_devices_silent",
             "Devices that have been silent for longer than three of their usual pauses.",
             counts.silent);
    to.gauge("longhaul_gaps", "Ranges of blocks that have neither come nor are listed as lost.",
             counts.gaps);
    to.gauge("longhaul_gap_blocks", "Blocks in these ranges.", counts.awaited);
    to.gauge("longhaul_oldest_gap_seconds", "Since when the oldest of them has been known.",
             static_cast<double>(counts.oldest_gap_s));
}

}  // namespace

std::string metrics_text(const Readings& readings) {
    Families families;
    add_process(families, readings);
    if (readings.gateway != nullptr) add_gateway(families, *readings.gateway);
    if (readings.journal != nullptr) add_journal(families, readings);
    if (readings.writer) add_writer(families, readings);
    if (readings.upkeep) add_upkeep(families, *readings.upkeep);
    if (readings.upkeep) add_devices(families, readings);
    return families.text();
}

}  // namespace longhaul::collector
