// What the connections of a collector share. All of it lives longer than they do and belongs to the
// network thread, but for what says that other threads may look.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <numeric>
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
    SealingTenants sealing_tenants{};
};

// What two of one device were seen by.
enum class CloneSign : std::uint8_t { side_by_side, in_turn };

// May be read by any thread; each is counted by one, the network's but for what says otherwise.
struct GatewayCounters {
    Counter accepted;     // connections
    Counter connections;  // open now
    // RefusalReason. That of enrolment belongs to the enrolment's thread.
    std::array<Counter, refusal_reason_count> refused_by;
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

    std::uint64_t refused() const {
        return std::accumulate(refused_by.begin(), refused_by.end(), std::uint64_t{0});
    }
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
    RefusalNotes refusals{};             // any thread
    CloneNotes clone_notes{};            // any thread
    TrailNotes trail{};                  // any thread
    NewestNote<DayIntake> day_intake{};  // any thread
    // What was just read from a socket; its connection takes what it cannot use at once with it
    // when it waits, so that one room serves all.
    std::vector<std::byte> in_room = std::vector<std::byte>(16 * 1024);
    LineLimit refusal_lines{};

    // Counts it and tells it. `device`: whose connection it is, when that is known.
    void refuse(const std::string& peer, const DeviceName* device, const Refusal& refusal);
    // Of the journal's file system; asked for from time to time.
    void look_at_disk(std::uint64_t free_bytes);
    // A device is there twice, at these addresses.
    void tell_clone(const DeviceName& device, CloneSign sign, const std::string& one,
                    const std::string& other);
};

}  // namespace longhaul::collector
