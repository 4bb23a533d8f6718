// The collector of a simulated world: the shipping session, journal, writer and lake code as one
// process on one simulated disk. It dies with its disk, is killed, loses power, and starts again
// from what the disk kept. The only part of the simulator that drives the collector's parts.
//
// It may have several gateways in front: each knows, counts and watches by itself what came to it,
// and is killed by itself. All append to the one journal, whose machine, writer and lake they
// share.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collector/journal/local_journal.hpp"
#include "collector/lake/upkeep.hpp"
#include "collector/session/clone_watch.hpp"
#include "collector/session/session.hpp"
#include "collector/writer/writer.hpp"
#include "firmware-sim/sim_disk.hpp"
#include "firmware-sim/world/authority.hpp"
#include "firmware-sim/world/network.hpp"
#include "firmware-sim/world/world_store.hpp"

namespace longhaul::sim {

// Faults come at random until the world is healed; 0: never.
struct CollectorFaults {
    std::int64_t kill_every_s = 0;      // the process; its disk keeps what it wrote
    std::int64_t power_every_s = 0;     // the machine: what was not synced is lost, torn, reordered
    std::int64_t disk_every_s = 0;      // every write fails from some step on
    std::int64_t sync_every_s = 0;      // one sync fails, and what it should have kept is lost
    std::int64_t full_every_s = 0;      // no room on the disk …
    std::int64_t full_s = 60;           // … for so long
    std::int64_t snapshot_every_s = 0;  // every write fails from some step of a snapshot on
    std::int64_t commit_every_s = 0;    // … of a commit on, and power goes behind the next snapshot
    std::int64_t rot_every_s = 0;       // a bit of the newest snapshot flips before the next start
    std::int64_t gateway_every_s = 0;   // one gateway is killed; the journal and the others go on
    std::int64_t restart_s = 10;        // until it is there again, at most
    StoreFaults store;
};

struct CollectorSettings {
    collector::Shard shards = 1;
    std::uint32_t gateways = 1;  // a connection comes to any of those that are up
    std::int64_t group_ms = 5;
    std::int64_t sync_ms = 0;    // what a sync of the disk takes
    std::int64_t gateway_s = 0;  // so long it is a gateway: journal alone, no key, no writer
    std::uint64_t segment_bytes_max = 1 << 20;
    std::uint64_t credit_bytes = 1 << 20;
    collector::WriterSettings writer;
    collector::UpkeepSettings upkeep;
    collector::TenantLimits limits;
    CollectorFaults faults;
    MonotonicMs healed_at;
    std::int64_t start_wall_us = 0;
    std::uint64_t seed = 0;
};

struct CollectorCounts {
    std::uint64_t starts = 0;
    std::uint64_t crashes = 0;
    std::uint64_t kills = 0;  // of them
    std::uint64_t gateway_kills = 0;
    std::uint64_t wandered = 0;      // sessions at another gateway than the device's one before
    std::uint64_t failed_syncs = 0;  // begun: the next sync is to fail
    std::uint64_t times_full = 0;
    std::uint64_t sessions = 0;
    std::uint64_t refused_sessions = 0;
    std::uint64_t commits = 0;
    std::uint64_t snapshots = 0;  // made
    std::uint64_t resumed = 0;    // starts from a snapshot
    std::uint64_t halfway = 0;    // ends in the making of a snapshot, or soon after
    std::uint64_t rotten = 0;     // snapshots that were damaged
    std::uint64_t broken = 0;     // ends in a commit
    std::uint64_t merges = 0;     // of batch files
    std::uint64_t checkpoints = 0;
    std::uint64_t cut_bytes = 0;  // off the journal
    std::uint64_t waits = 0;      // sessions that had no credit for a while
    std::uint64_t clone_alarms = 0;
    std::uint64_t gateway_blocks = 0;      // acknowledged while it was a gateway
    std::uint64_t sessions_max = 0;        // at once
    std::uint64_t snapshot_bytes_max = 0;  // the largest one: what the writer remembered
};

// A block that the collector has acknowledged.
struct AckedBlock {
    std::uint32_t device = 0;  // number in the world, of the first one of its name
    BlockName name;
    friend auto operator<=>(const AckedBlock&, const AckedBlock&) = default;
};

class WorldCollector final : public Listener, public Actor {
 public:
    enum Tag : std::uint64_t {
        serve,
        start,
        tick,
        upkeep,
        kill,
        power,
        bad_disk,
        bad_sync,
        full,
        room,
        snapshot,
        commit,
        power_behind_snapshot,
        begin_writing,
        rot,
        kill_gateway,
        gateways_back,
        heal,
        session,  // this and above: of the connection with the number beyond it
    };

    WorldCollector(const CollectorSettings& settings, const Authority& authority,
                   std::vector<std::string> device_names, Scheduler& scheduler, Network& network,
                   EventLog& log);

    bool listens() const override;
    void on_connected(ConnectionId id, std::uint32_t device, MonotonicMs now) override;
    void on_bytes(ConnectionId id, Bytes bytes, MonotonicMs now) override;
    void on_closed(ConnectionId id, MonotonicMs now) override;
    void on_event(MonotonicMs now, std::uint64_t tag) override;

    // Everything durable is to be in the tables, and soon.
    void request_barrier(MonotonicMs now);
    bool drained() const { return writer_ && writer_->drained() && waiting_entries() == 0; }

    // What stands on the disk, for the oracle.
    SimDisk& disk() { return disk_; }
    const DiskCounts& disk_counts() const { return disk_.counts(); }
    // Samples of each block, by its header.
    const std::map<AckedBlock, std::uint16_t>& acked() const { return acked_; }
    CollectorCounts counts() const;
    // What connections have cost up to now, by the device's name, whatever the journal has of it.
    std::map<std::string, collector::ConnectionCost> costs() const;
    // Whether there is another device of its name, and whether that was told; by number.
    bool is_double(std::uint32_t device) const { return doubles_.contains(first_of_name_[device]); }
    // A hostile one may be taken for two.
    void let_seem_double(std::uint32_t device) { may_seem_double_.insert(device); }
    bool told_twice(std::uint32_t device) const {
        return told_twice_.contains(first_of_name_[device]);
    }
    const StoreCounts& store_counts() const { return store_.counts(); }
    const std::vector<std::string>& violations() const { return violations_; }
    std::string standing() const { return trouble_; }

 private:
    // What one of several knows by itself; what is durable, all of them share.
    struct Gateway {
        std::int64_t number = 0;
        collector::KnownDevices known;
        collector::CloneWatch clones;
        std::unique_ptr<collector::Intake> intake;  // nullptr: it is down
        MonotonicMs back_at;                        // when it is
    };
    struct Conversation {
        Gateway* gateway = nullptr;
        std::uint32_t device = 0;
        collector::DeviceName name;
        std::unique_ptr<collector::Session> session;
        collector::CloneWatch::Session watched;
        bool life_noted = false;
        collector::WireBytes wire;
        collector::WireBytes untold;  // of it, what the journal does not have
        MonotonicMs begun;
        std::uint64_t durable = 0;
        MonotonicMs asks_at = MonotonicMs::never();  // for credit
    };
    // An entry that was appended and whose session has not been told.
    struct Waiting {
        collector::Offset end = 0;
        ConnectionId connection = 0;
        std::optional<AckedBlock> block;
        std::uint16_t samples = 0;
    };
    enum Down : std::uint8_t { killed, by_disk, by_power };
    // An elliptic curve operation a record is dear, and a world starts its collector often.
    class Keys final : public collector::KeyRing {
     public:
        Result<BlockKey> unwrap(const PrivateKey& key,
                                const longhaul_EpochRecord& record) const override;

     private:
        mutable std::map<std::string, BlockKey> known_;
    };

    bool try_start(MonotonicMs now);
    bool open_journal(MonotonicMs now);
    bool open_writer(MonotonicMs now);
    bool open_gateway(Gateway& gateway, MonotonicMs now);
    void open_gateways_again(MonotonicMs now);
    void kill_one_gateway(MonotonicMs now);
    std::vector<Gateway*> gateways_up();
    Gateway& gateway_for(std::uint32_t device);
    void end_as_gateway(MonotonicMs now);
    bool is_gateway(MonotonicMs now) const { return now.value < 1000 * settings_.gateway_s; }
    void check_promises(MonotonicMs now);
    void go_down(MonotonicMs now, int how);
    void count_what_ran();
    void measure_snapshot();
    void damage_snapshot(MonotonicMs now);
    void look_after_tables(MonotonicMs now);
    void run(MonotonicMs now);
    bool obey(ConnectionId id, MonotonicMs now);
    bool submit(ConnectionId id, Conversation& conversation, const collector::SessionAction& action,
                MonotonicMs now);
    bool step_journal(MonotonicMs now);
    bool step_writer(MonotonicMs now);
    bool tell_durable(MonotonicMs now);
    void tick_sessions(MonotonicMs now);
    void tick_session(ConnectionId id, MonotonicMs now);
    void ask_later(ConnectionId id, Conversation& conversation, MonotonicMs now);
    void ask_for_credit(ConnectionId id, MonotonicMs now);
    void note_life(Conversation& conversation, MonotonicMs now);
    void tell_cost(Conversation& conversation, MonotonicMs now, bool ended);
    void note_cost(const Conversation& conversation, MonotonicMs now) {
        add_cost(conversation, now, costs_[names_[conversation.device]]);
    }
    static void add_cost(const Conversation& conversation, MonotonicMs now,
                         collector::ConnectionCost& all);
    void tell_clone(std::uint32_t device, MonotonicMs now);
    using Conversations = std::map<ConnectionId, Conversation>;
    Conversations::iterator drop_conversation(Conversations::iterator at, MonotonicMs now);
    void end_conversation(ConnectionId id, MonotonicMs now);
    void run_at(MonotonicMs time);
    void plan(Tag tag, std::int64_t every_s);
    void begin_fault(Tag tag, MonotonicMs now);
    void cut_power(MonotonicMs now);
    std::size_t waiting_entries() const;
    WallUs wall(MonotonicMs now) const { return {settings_.start_wall_us + now.value * 1000}; }
    void violate(MonotonicMs now, std::string text);

    CollectorSettings settings_;
    const Authority& authority_;
    std::vector<std::string> names_;  // of devices, by number
    std::vector<std::uint32_t> first_of_name_;
    std::set<std::uint32_t> doubles_;     // first ones of a name that several have
    std::set<std::uint32_t> told_twice_;  // first ones of a name that the watch for clones told of
    std::set<std::uint32_t> may_seem_double_;
    Scheduler& scheduler_;
    Network& network_;
    EventLog& log_;
    Random random_;
    SimDisk disk_;
    Keys keys_;
    std::unique_ptr<collector::LocalJournal> journal_;
    WorldStore store_;
    std::unique_ptr<collector::Writer> writer_;  // nullptr: it is down, or a gateway
    std::unique_ptr<collector::Upkeep> upkeep_;
    std::vector<Gateway> gateways_;
    std::vector<const Gateway*> last_gateway_;  // by device
    Conversations conversations_;
    std::vector<std::deque<Waiting>> waiting_;  // by shard
    std::vector<collector::Offset> promised_;   // by shard: told to devices
    std::map<AckedBlock, std::uint16_t> acked_;
    std::map<std::string, collector::ConnectionCost> costs_;  // of connections that are over
    bool up_ = false;                                         // the journal's machine
    MonotonicMs runs_at_ = MonotonicMs::never();
    MonotonicMs sync_done_at_;  // the journal's thread is in a sync until then
    MonotonicMs writer_again_at_;
    std::int64_t writer_retry_ms_ = 0;
    MonotonicMs cleans_at_;   // the tables, not only merges
    bool cuts_disk_ = false;  // when it goes down, the machine does
    bool cuts_snapshot_ = false;
    bool cuts_commit_ = false;
    bool cuts_behind_snapshot_ = false;
    bool full_ = false;    // the disk
    bool rots_ = false;    // when it is down
    bool rotten_ = false;  // the newest snapshot
    bool barrier_requested_ = false;
    std::string trouble_;
    CollectorCounts counts_;
    std::vector<std::string> violations_;
};

}  // namespace longhaul::sim
