// The collector's half of the conversation with one device, without input or output.
// Specification: docs/spec/frames.md.
//
// Bytes go in, actions come out. Everything that a device sends to be kept is handed to the journal
// as a submission; all submissions of a session go to one shard in order, so that "how many are
// durable" says which (docs/decisions/0002). Only then are they acknowledged.
#pragma once

#include <algorithm>
#include <cstring>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "collector/registry/certificate.hpp"
#include "collector/registry/model_shelf.hpp"
#include "collector/session/clone_watch.hpp"
#include "collector/session/connection_meter.hpp"
#include "collector/session/intake.hpp"
#include "collector/session/known_devices.hpp"
#include "collector/session/sealing_offer.hpp"
#include "common/block/block.hpp"

namespace longhaul::collector {

class Renewals;

struct SessionSettings {
    JournalId journal;
    Shard shard = 0;
    std::uint64_t credit_bytes = 1 << 20;  // of blocks that may be under way and not yet durable
    std::size_t schemas_max = 1024;        // of a tenant
    // Those that the writer holds; epochs sealed to others are refused. nullptr: not checked. One
    // list for all sessions, of which there are many that say nothing.
    std::shared_ptr<const std::vector<SealingKeyId>> sealing_keys;
    const SealingTenants* sealing_tenants = nullptr;  // outlives the session; nullptr: not checked
    const ModelShelf* models = nullptr;           // outlives the session; nullptr: there are none
    const SealingOffer* sealing_offer = nullptr;  // read with the Hello
    // Of the device's tenant, while the session is used; nullptr: nothing but credit_bytes limits.
    TenantIntake* intake = nullptr;
    Renewals* renewals = nullptr;  // outlives the session; nullptr: this device's is not renewed
    WallUs certificate_expires{};  // the one that it has
    // That is of an older authority of its tenant; a device that can is renewed at once.
    bool leaves_authority = false;
    std::int64_t hello_deadline_ms = 15'000;
    std::int64_t idle_deadline_ms = 900'000;
    std::int64_t cost_interval_ms = 600'000;  // between two answers of take_cost() at least
};

struct SessionAction {
    enum class Kind {
        wait,    // for bytes, durability or the deadline
        submit,  // hand `kind`, `bytes` to the journal, in order
        write,   // send `bytes`
        close,
    };
    Kind kind = Kind::wait;
    JournalKind entry_kind = JournalKind::block;
    Bytes bytes;  // valid until the next call of the session
};

struct SessionCounters {
    std::uint64_t blocks = 0;
    std::uint64_t block_bytes = 0;
    std::uint64_t acked_blocks = 0;
    std::uint64_t acked_bytes = 0;
};

class Session {
 public:
    // `authorities` issue the certificates of the device's tenant, or did. All of them, and `peer`,
    // outlive the session.
    Session(const DeviceName& peer, const SessionSettings& settings, KnownDevices& known,
            std::span<const Certificate> authorities, MonotonicMs now);
    Session(DeviceName&& peer, const SessionSettings& settings, KnownDevices& known,
            std::span<const Certificate> authorities, MonotonicMs now) = delete;

    // Bytes have come. They stay where they are until next() waits or closes, or rest() is called,
    // and before that no others come.
    void on_bytes(Bytes bytes, WallUs wall, MonotonicMs now);
    // The first `count` submissions of this session are durable.
    void on_durable(std::uint64_t count);
    // Time has passed; beyond deadline() the session says goodbye.
    void on_tick(MonotonicMs now);
    // The collector goes down: nothing more is read, what was submitted is still acknowledged.
    void finish();
    // The device may not go on, for a reason that came after it was let in; it is told the
    // sentence.
    void dismiss(longhaul_ByeReason reason, std::string text, std::uint32_t retry_after_ms);
    // The newest sealing key of its devices is another one now. Nothing: there is none.
    void offer_sealing_key(const SealingOffer* offer);
    // Nothing is under way for a while: memory that only work needs is given back, and what has
    // come and is not read yet is kept here.
    void rest();

    SessionAction next();
    MonotonicMs deadline() const {
        return std::min({deadline_, credit_due_, meter_.due(settings_.cost_interval_ms)});
    }
    // To be asked at deadline() and at the end: what goes into the journal of the connection's
    // cost and, the first time, of what waits in the device, if anything does now. The session
    // waits for none of it and the device is not told.
    std::optional<ConnectionCost> take_cost(MonotonicMs now, WireBytes& wire, bool ended) {
        auto cost = meter_.take(now, settings_.cost_interval_ms, wire, ended);
        if (cost && std::exchange(tells_backlog_, false)) cost->backlog = backlog_;
        return cost;
    }
    // What the device has no credit for, although it may have something to send.
    CreditWait waits_for() const { return waits_for_; }

    const DeviceName& peer() const { return peer_; }
    std::optional<DeviceLife> life() const {  // once the Hello has come
        return greeted_ ? std::optional{DeviceLife{incarnation_, boot_}} : std::nullopt;
    }
    std::uint64_t submissions() const { return submitted_; }
    const SessionCounters& counters() const { return counters_; }
    // Why it ended, for the log; empty while it goes on.
    const std::string& end_reason() const { return end_reason_; }
    // It ended because the device sent what may not be sent, or nothing when it had to.
    bool broken_by_device() const { return broken_by_device_; }

 private:
    struct Submission {
        JournalKind kind;
        Epoch epoch;
        BlockSeq seq;
        std::size_t bytes;
        Sha256 hash;  // of a schema or a model
    };

    static SchemaHash hash_of(const pb_byte_t* bytes) {
        SchemaHash hash;
        std::memcpy(hash.data(), bytes, hash.size());
        return hash;
    }
    Result<Frame> next_frame();
    SessionAction on_frame(const Frame& frame);
    SessionAction on_hello(Bytes body);
    SessionAction on_schema(Bytes body);
    SessionAction on_epoch(Bytes body);
    SessionAction on_block(Bytes body);
    SessionAction on_want(Bytes body);
    SessionAction on_renew(Bytes body);
    // The next model that the record names, the journal lacks and the collector has; nullptr: none.
    ModelShelf::StoredModel model_to_append(const longhaul_EpochRecord& record) const;
    SessionAction submit(Submission submission, Bytes body);
    SessionAction refuse(longhaul_ByeReason reason, std::string text);
    void say_bye(longhaul_ByeReason reason, std::string text, std::uint32_t retry_after_ms);
    void note_backlog(const longhaul_Hello& hello);
    void write_welcome(const longhaul_Hello& hello);
    void offer_models(const longhaul_Hello& hello, longhaul_Welcome& welcome);
    void write_acks();
    std::uint64_t credit_now();
    void raise_credit();
    void wait_for_no_credit() {
        waits_for_ = CreditWait::nothing;
        credit_due_ = MonotonicMs::never();
    }
    const char* cannot_open(const longhaul_EpochRecord& record) const;
    bool knows_schema(const SchemaHash& hash) const;
    bool knows_model(const ModelHash& hash) const;
    bool knows_epoch(Epoch epoch) const;
    static constexpr std::size_t message_bytes_max = 4096;
    template <class WriteMessage>
    void queue(WriteMessage write, std::size_t bytes_max = message_bytes_max) {
        const std::size_t before = out_.size();
        out_.resize(before + bytes_max);
        ByteWriter writer{MutableBytes{out_}.subspan(before)};
        const Status written = write(writer);
        LH_CHECK(written.ok());
        out_.resize(before + writer.size());
    }

    const DeviceName& peer_;
    SessionSettings settings_;
    KnownDevices& known_;
    std::span<const Certificate> authorities_;
    Bytes in_;                        // come, and not yet read
    std::vector<std::byte> in_kept_;  // what of it had to be moved
    std::vector<std::byte> buffer_;   // empty while no frame has come in part
    FrameReader frames_;
    std::vector<std::byte> out_;
    std::vector<std::byte> out_taken_;
    WallUs wall_;
    MonotonicMs now_;  // as it was told the last time
    MonotonicMs deadline_;
    MonotonicMs credit_due_ = MonotonicMs::never();  // to ask for more
    ConnectionMeter meter_;
    CreditWait waits_for_ = CreditWait::nothing;
    bool greeted_ = false;
    bool finishing_ = false;
    bool closing_ = false;
    bool broken_by_device_ = false;
    bool renewal_offered_ = false;
    bool renewed_ = false;  // asked for, once
    bool tells_backlog_ = false;
    bool epoch_again_ = false;
    Incarnation incarnation_;
    std::uint32_t backlog_ = 0;  // blocks, as the Hello said; where it lies it takes no room
    std::uint64_t boot_ = 0;
    std::vector<std::byte> epoch_;   // that is taken once more, because a model had to go before it
    ModelShelf::StoredModel model_;  // being submitted
    std::optional<SealingKeyId> sealing_key_;  // the newest that the device was told of or has
    std::vector<ModelHash> offered_;           // and not yet sent
    std::set<SchemaHash> schemas_;             // submitted in this session
    std::vector<ModelHash> models_;
    std::set<Epoch> epochs_;
    std::list<Submission> pending_;  // submitted, not yet durable; takes no room when there is none
    std::uint64_t submitted_ = 0;
    std::uint64_t durable_ = 0;
    std::uint64_t credit_said_ = 0;
    std::vector<longhaul_AckRange> acks_;
    SessionCounters counters_;
    std::string end_reason_;
};

}  // namespace longhaul::collector
