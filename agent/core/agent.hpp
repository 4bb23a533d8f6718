// The agent: samples of its sources, sealed, kept in the spool, carried to the collector.
//
// It needs no heap, no operating system and no clock of its own: memory and ports come from the
// caller, and poll() does a bounded piece of work and says when it wants to be called again. When
// the spool is full its policy decides: blocks are dropped and listed as lost, or their class
// stops: nothing more of it is taken and sealed until there is room, and the other classes go on.
// The status says so. In a session the collector is told of what is lost.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "agent/core/block_builder.hpp"
#include "agent/core/epoch_maker.hpp"
#include "agent/core/memory.hpp"
#include "agent/core/sampler.hpp"
#include "agent/core/settings.hpp"
#include "agent/core/spool.hpp"
#include "agent/core/time_keeper.hpp"
#include "agent/core/uplink.hpp"
#include "agent/core/write_budget.hpp"
#include "agent/port/link.hpp"

namespace longhaul::agent {

struct Ports {
    Spool& spool;
    Link& link;
    Entropy& entropy;
    Identity& identity;
    WallClock& clock;
    std::span<Source* const> sources;
    CodecTools codecs = {};
    Models* models = nullptr;                // nullptr: only the built-in one is used
    SealingKeys* sealing_keys = nullptr;     // nullptr: it stays with the one of the settings
    CredentialSlots* credentials = nullptr;  // if the settings say that it renews
};

// Counted since the agent was made.
struct AgentStatus {
    // Staged, and stored or lost with every block when the agent has stopped.
    std::uint64_t samples = 0;
    std::uint64_t samples_refused = 0;  // larger than any block
    std::uint64_t samples_lost = 0;     // not stored, by the rule drop_newest; listed as lost
    std::uint64_t blocks = 0;           // stored in the spool
    std::uint64_t sealed_bytes = 0;
    bool spool_full = false;   // a class has stopped, or all of them: sources wait
    const char* trouble = "";  // why nothing could be sealed or stored, static text
    // Why this class alone has stopped, static text; empty: it has not.
    std::array<const char*, block_class_count> class_trouble{"", "", "", ""};
    const char* link_trouble = "";  // why the link closed last, static text
};

// What storing has cost since the agent was made.
struct AgentWear {
    SpoolWear spool;
    std::optional<std::uint64_t> days_left = {};  // of the storage; none: nobody can tell
    bool overdrawn = false;  // blocks wait beyond their deadline, see the settings
};

class Agent {
 public:
    static std::size_t memory_bytes(const AgentSettings& settings,
                                    std::span<Source* const> sources);

    // `memory` has memory_bytes(); it, the ports and the texts of the settings outlive the agent.
    Agent(const AgentSettings& settings, const Ports& ports, MutableBytes memory);

    // Does a bounded piece of work; returns when it wants to be called again. Call it earlier when
    // the link may have become readable, writable or closed.
    MonotonicMs poll(MonotonicMs now);

    // Asks the sources for nothing more, stores what is staged and says goodbye to the collector.
    // When a source still has what came before and nobody keeps it, `all_sampled` is false, and
    // the end of the epoch is not noted as clean.
    void stop(MonotonicMs now, bool all_sampled = true);
    // After stop(): everything is stored and the link is closed.
    bool stopped() const;
    // The sources have ended, every block is acknowledged and every loss told.
    bool drained();

    const AgentStatus& status() const { return status_; }
    const LossLedger& losses() const { return ports_.spool.losses(); }
    AgentWear wear(MonotonicMs now) const;
    std::span<const AgentStream> streams() const { return sampler_.streams(); }
    // The model of the stream at this place in streams() no longer fits what it measures.
    bool model_is_worse(std::size_t index) const { return builder_.model_is_worse(index); }
    const TimeKeeper& time() const { return time_; }
    const UplinkStatus& uplink_status() const { return uplink_.status(); }
    MonotonicMs next_attempt() const { return uplink_.next_attempt(); }

 private:
    struct Rooms {
        std::span<AgentStream> streams;
        std::span<HeldSample> held;
        BuilderRooms builder;
        MutableBytes epoch;             // while one is made
        std::span<SpoolBlock> pending;  // pending_max()
        MutableBytes sealed;            // their bytes
        MutableBytes inbound;
        MutableBytes frame;
    };
    static Rooms deal(const AgentSettings& settings, std::span<Source* const> sources,
                      MutableBytes memory);

    // With blocks_per_append there what can be stored is stored before another one is sealed. What
    // stays is of classes that have stopped and seal no more, so from then on each of the others
    // adds one at most before it has stopped, too.
    static std::size_t pending_max(const AgentSettings& settings, std::span<Source* const> sources);

    // When a class that has stopped is tried again: then, or when something was acknowledged.
    struct TryAgain {
        MonotonicMs at;
        std::uint64_t acked_blocks = 0;
    };

    // The last anchor of this epoch that a class has.
    struct Anchored {
        MonotonicMs at;
        BlockSeq seq;
        bool synchronized = false;
        std::uint64_t session = 0;
    };
    std::optional<Anchored>& anchor_of(BlockClass block_class) {
        return anchors_[static_cast<std::size_t>(block_class)];
    }

    void begin(MonotonicMs now);
    bool drive_link(MonotonicMs now);
    void watch_link(MonotonicMs now);
    bool read_link(MonotonicMs now);
    bool write_link(Bytes bytes, MonotonicMs now);
    void open_link(MonotonicMs now);
    void drop_link(MonotonicMs now);

    Status begin_epoch();
    bool take_samples(MonotonicMs now);
    void seal_due(MonotonicMs now);
    bool is_due(BlockClass block_class, MonotonicMs now);
    MonotonicMs due_at(BlockClass block_class) const;
    bool seal(BlockClass block_class, MonotonicMs now);
    Status try_seal(BlockClass block_class, MonotonicMs now, bool tells_losses);
    Status seal_open(BlockClass block_class, MonotonicMs now, bool tells_losses);
    Status make_key();
    MutableBytes room_to_seal();
    std::span<SpoolBlock> next_to_store();
    Status store_pending(MonotonicMs now);
    void settle(std::span<SpoolBlock> tried, const Appended& appended);
    void note_dropped(const SpoolTag& tag);
    void stop_class(BlockClass block_class, const Error& error, MonotonicMs now);
    void try_stopped_again(MonotonicMs now);
    bool has_stopped(BlockClass block_class) const {
        return stopped_[static_cast<std::size_t>(block_class)];
    }
    void note(const Status& status, MonotonicMs now);
    bool may_store(MonotonicMs now) const;
    void note_clean_end();

    bool anchor_due(BlockClass block_class, MonotonicMs now);
    bool has_to_tell() const;
    void tell_losses(MonotonicMs now);
    std::int64_t elapsed_us(MonotonicMs now) const { return (now - began_at_) * 1000; }
    bool has_pending() const { return pending_count_ != 0; }
    std::size_t block_bytes_max() const { return block_header_bytes + settings_.body_bytes_max; }
    bool all_stored() const { return builder_.empty() && !has_pending() && !sampler_.holds(); }
    MonotonicMs next_deadline(MonotonicMs now) const;

    AgentSettings settings_;
    Ports ports_;
    Rooms rooms_;
    Sampler sampler_;
    BlockBuilder builder_;
    TimeKeeper time_;
    ModelKeeper models_;
    CredentialKeeper credentials_;
    Uplink uplink_;
    AgentStatus status_;

    bool begun_ = false;
    bool stopping_ = false;
    bool all_sampled_ = true;  // when it was stopped
    bool ended_cleanly_ = false;
    MonotonicMs began_at_;  // ticks of the epoch count from here
    Epoch epoch_;           // 0: not begun
    std::optional<BlockKey> key_;
    std::array<std::uint32_t, block_class_count> last_number_{};
    std::size_t pending_count_ = 0;  // of rooms_.pending: sealed, not stored, in this order
    // A class that has stopped has blocks in rooms_.pending, and the others have none there once
    // store_pending() has returned ok.
    ClassFlags stopped_{};
    std::array<TryAgain, block_class_count> try_again_;
    MonotonicMs store_again_at_;  // all of them, after an error that is not of one class
    bool all_full_ = false;       // it was that there is no room for the epoch itself
    std::uint64_t acked_when_full_ = 0;
    WallReading wall_;  // of this poll
    std::array<std::optional<Anchored>, block_class_count> anchors_;
    MonotonicMs tell_at_;
    WriteBudget budget_;
    std::uint64_t erases_at_begin_ = 0;
    bool link_in_use_ = false;
    bool link_open_ = false;
};

}  // namespace longhaul::agent
