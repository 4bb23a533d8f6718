// What the connections of a collector share. All of it lives longer than they do and belongs to the
// network thread, but for what says that other threads may look.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "collector/net/admission.hpp"
#include "collector/net/counters.hpp"
#include "collector/net/handshakes.hpp"
#include "collector/net/log.hpp"
#include "collector/net/submissions.hpp"
#include "collector/net/tls.hpp"
#include "collector/registry/trail_notes.hpp"
#include "collector/session/clone_watch.hpp"
#include "collector/session/session.hpp"

namespace longhaul::collector {

// What decides who comes in. A connection keeps the TLS that it began with, and the registry and
// authorities that it was judged by, so that another one may take its place at any time.
struct Entrance {
    std::unique_ptr<Registry> registry;
    std::unique_ptr<Admission> admission;
    std::shared_ptr<Tickets> tickets;  // without keys until the guard has looked
    std::unique_ptr<TlsContext> tls;
    SealingOffers sealing{};
};

// May be read by any thread.
struct GatewayCounters {
    Counter accepted;     // connections
    Counter connections;  // open now
    Counter refused;
    std::array<Counter, refusal_reason_count> refused_by;  // RefusalReason
    Counter handshakes_full;
    Counter handshakes_resumed;
    Counter sessions;       // admitted
    Counter sessions_open;  // now
    Counter exceptions;     // thrown by a library, at the cost of one connection
    Counter blocks;
    Counter block_bytes;
    Counter acked_blocks;
    Counter acked_bytes;
    Counter bytes_received;                          // from sockets, TLS included
    std::array<Counter, credit_wait_count> waiting;  // sessions that have no credit now: CreditWait
    Counter clones;                                  // alarms
};

struct Gateway {
    std::shared_ptr<const Entrance> entrance;
    KnownDevices& known;
    Intake& intake;
    Submissions& submissions;
    const Journal& journal;
    Log& log;
    SessionSettings session;  // the shard is set for each device
    std::int64_t handshake_deadline_ms = 30'000;
    std::size_t connections_max = 20'000;
    std::size_t handshakes_max = Handshakes::places_max_default;
    std::uint64_t disk_reserve_bytes = 0;  // with less free room nobody may send
    GatewayCounters counters{};
    CloneWatch clones{};
    RefusalNotes refusals{};   // any thread
    CloneNotes clone_notes{};  // any thread
    TrailNotes trail{};        // any thread
    // What was just read from a socket; its connection takes what it cannot use at once with it
    // when it waits, so that one room serves all.
    std::vector<std::byte> in_room = std::vector<std::byte>(16 * 1024);
    LineLimit refusal_lines{};

    // Counts it and tells it. `device`: whose connection it is, when that is known.
    void refuse(const std::string& peer, const DeviceName* device, const Refusal& refusal);
    // Of the journal's file system; asked for from time to time.
    void look_at_disk(std::uint64_t free_bytes);
    // Two sessions of one device go on, from these addresses.
    void tell_clone(const DeviceName& device, const std::string& one, const std::string& other);
};

}  // namespace longhaul::collector
