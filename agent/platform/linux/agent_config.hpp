// agent.toml: what one device is, where its collector is and what it measures.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/spool_policy.hpp"
#include "common/base/result.hpp"
#include "common/block/section_codec.hpp"
#include "common/block/stored_schema.hpp"

namespace longhaul::agent {

struct TraceConfig {
    std::string mapping;
    std::string file;    // empty: the one that the mapping names
    double speed = 0;    // 0: as fast as possible; 1: as recorded
    bool loop = false;   // begins again at its end
    std::string device;  // its name in the recording
};

// A satellite receiver.
struct NmeaConfig {
    std::string path;  // of a serial line, a pipe or a file
    std::int64_t baud = 9600;
    std::string stream;
};

// A log: exactly one of the first three is named.
struct SyslogConfig {
    std::string socket;  // path of a Unix datagram socket
    std::string file;
    std::string udp;          // "127.0.0.1:5514"
    bool from_start = false;  // of the file: also what is there already
    std::string stream;
};

// Samples that programs put.
struct PutConfig {
    std::string stream;
    std::shared_ptr<const StoredSchema> schema;
};

// Paths are as seen from the folder in which the program runs.
struct AgentConfig {
    std::string path;  // of the file itself

    std::string environment;
    std::string tenant;
    std::string name;
    std::string certificate;
    std::string key;
    std::string secret;
    std::string root;
    std::string sealing_key;

    std::string address;
    std::string server_name;

    std::string spool_path;
    SpoolPolicy spool_policy;
    std::uint64_t write_bytes_per_day = 0;  // 0: no budget
    std::size_t body_bytes_max = 0;
    CodecSet codecs = usual_codecs;

    std::vector<TraceConfig> traces;
    std::vector<NmeaConfig> nmea;
    std::vector<SyslogConfig> syslog;
    std::int64_t system_interval_s = 0;  // 0: the device's own health is not sampled
    std::vector<PutConfig> put;

    std::string control_socket;  // empty: there is none
};

Result<AgentConfig, Message> load_agent_config(const std::string& path);

// A complete file with comments.
extern const char* const agent_config_example;

}  // namespace longhaul::agent
