// What the collector is told: collector.toml, read and checked as far as that goes without opening
// anything.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "collector/journal/local_journal.hpp"
#include "collector/lake/upkeep.hpp"
#include "collector/net/log.hpp"
#include "collector/writer/writer.hpp"
#include "common/base/result.hpp"

namespace longhaul::collector {

struct CollectorConfig {
    std::string environment;
    bool gateway = false;  // takes and keeps blocks, and cannot open them
    std::string listen;
    std::size_t connections_max = 0;
    std::string certificate;  // paths from here on
    std::string key;
    std::string registry;
    std::string sealing_keys;  // folder of <id>.key

    std::string journal_path;
    LocalJournalSettings journal;

    std::uint64_t journal_reserve_bytes = 0;

    std::string lake_path;
    WriterSettings writer;
    UpkeepSettings upkeep;

    std::uint64_t credit_bytes = 0;
    std::uint64_t under_way_bytes = 0;
    std::int64_t handshake_deadline_ms = 0;
    std::size_t handshakes_max = 0;
    std::int64_t full_handshakes_per_s = 0;
    std::int64_t hello_deadline_ms = 0;
    std::int64_t idle_deadline_ms = 0;
    std::int64_t cost_interval_ms = 0;

    std::string enrolment_listen;     // empty: nobody enrols here
    std::string enrolment_collector;  // where devices are told to send; empty: the same host
    std::string enrolment;            // folder of enrolment authorities
    std::int64_t certificate_days = 0;

    std::string http_listen;  // empty: nobody is answered
    std::string log_level;    // one of log_levels
    LogFormat log_format = LogFormat::text;
};

Result<CollectorConfig, Message> read_config(const std::string& path);

inline constexpr std::array<std::string_view, 4> log_levels{"debug", "info", "warn", "error"};

// A complete configuration with every key explained; it is what read_config() takes as defaults.
std::string_view config_example();

}  // namespace longhaul::collector
