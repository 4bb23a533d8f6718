// What the connections of a collector share. All of it lives longer than they do and belongs to the
// network thread.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>

#include "collector/net/admission.hpp"
#include "collector/net/submissions.hpp"
#include "collector/net/tls.hpp"
#include "collector/session/session.hpp"

namespace longhaul::collector {

struct GatewayCounters {
    std::uint64_t accepted = 0;    // connections
    std::uint64_t refused = 0;     // failed handshakes, devices not admitted, too many connections
    std::uint64_t sessions = 0;    // admitted
    std::uint64_t exceptions = 0;  // thrown by a library, at the cost of one connection
    std::uint64_t blocks = 0;
    std::uint64_t acked_blocks = 0;
    std::uint64_t bytes_received = 0;  // from sockets, TLS included
};

struct Gateway {
    const TlsContext& tls;
    Admission& admission;
    KnownDevices& known;
    Submissions& submissions;
    const Journal& journal;
    spdlog::logger& log;
    SessionSettings session;  // the shard is set for each device
    std::int64_t handshake_deadline_ms = 30'000;
    std::size_t connections_max = 20'000;
    GatewayCounters counters{};
};

}  // namespace longhaul::collector
