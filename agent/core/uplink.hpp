// The uplink: the device's half of a session, without input or output. Specification:
// docs/spec/frames.md.
//
// The shell around it owns a link. It asks next() what to do, does it, and reports what came of it;
// the time is an argument. Blocks come from the spool and leave it only in the sense of being
// marked durable.
//
//   waiting -> opening -> greeting (Hello sent) -> streaming -> (leaving) -> waiting
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "agent/core/credential_keeper.hpp"
#include "agent/core/model_keeper.hpp"
#include "agent/core/retry_timer.hpp"
#include "agent/core/sampler.hpp"
#include "agent/core/send_order.hpp"
#include "agent/core/spool.hpp"
#include "agent/core/time_keeper.hpp"
#include "agent/port/clock.hpp"
#include "agent/port/entropy.hpp"
#include "agent/port/sealing_keys.hpp"
#include "common/block/block.hpp"
#include "common/block/epoch.hpp"
#include "common/wire/frame.hpp"

namespace longhaul::agent {

struct UplinkAction {
    enum class Kind : std::uint8_t {
        wait,   // until deadline(), or until something happens
        open,   // open the link; answer with on_open() or on_closed()
        write,  // write some of `bytes`; answer with on_written()
        close,  // close the link; answer with on_closed()
    };
    Kind kind = Kind::wait;
    Bytes bytes;
};

// What a person may want to know about the uplink; counted since it was made.
struct UplinkStatus {
    bool connected = false;  // welcomed by the collector
    std::uint64_t sessions = 0;
    std::uint64_t sent_blocks = 0;
    std::uint64_t sent_sealed_bytes = 0;
    std::uint64_t acked_blocks = 0;
    std::uint64_t acked_samples = 0;
    const char* last_trouble = "";     // why the last session ended, static text
    std::array<char, 161> last_bye{};  // what the collector said when it ended one
};

struct UplinkPorts {
    Spool& spool;
    Entropy& entropy;
    WallClock& clock;
    ModelKeeper* models = nullptr;            // nullptr: none are used
    SealingKeys* sealing_keys = nullptr;      // nullptr: none is ever taken
    CredentialKeeper* credentials = nullptr;  // nullptr: nothing is renewed
};

// Bodies that the collector sends unasked, and the longest frames that a device sends.
inline constexpr std::size_t uplink_inbound_bytes =
    frame_header_bytes +
    std::max<std::size_t>({longhaul_Welcome_size, longhaul_Ack_size, longhaul_Window_size,
                           longhaul_Bye_size, limits::sealing_certificate_bytes_max});
// `model_bytes_max`: of those that it is asked for.
constexpr std::size_t uplink_inbound_bytes_with(std::size_t model_bytes_max) {
    return std::max(uplink_inbound_bytes, frame_header_bytes + model_bytes_max);
}
constexpr std::size_t uplink_frame_bytes(std::size_t body_bytes_max,
                                         std::size_t epoch_bytes_max = signed_epoch_bytes_max,
                                         std::size_t schema_bytes_max = limits::schema_bytes_max) {
    return frame_header_bytes +
           std::max({block_header_bytes + body_bytes_max, epoch_bytes_max, schema_bytes_max,
                     static_cast<std::size_t>(longhaul_Hello_size)});
}

class Uplink {
 public:
    static constexpr std::int64_t open_ms_max = 30'000;     // connect and handshake
    static constexpr std::int64_t welcome_ms_max = 30'000;  // from Hello
    static constexpr std::int64_t ack_ms_max = 60'000;      // of the oldest block without one

    // `streams` are those of this boot: their schemas are announced before the first block needs
    // them. The rooms have uplink_inbound_bytes and uplink_frame_bytes(); everything outlives the
    // uplink.
    Uplink(std::string_view firmware, std::span<const AgentStream> streams,
           const UplinkPorts& ports, MutableBytes inbound_room, MutableBytes frame_room);

    // Chooses when to connect for the first time. Comes before everything else.
    void start(MonotonicMs now);
    UplinkAction next(MonotonicMs now);
    void on_open(MonotonicMs now);
    void on_closed(MonotonicMs now);
    void on_written(std::size_t count);
    void on_bytes(Bytes bytes, MonotonicMs now);
    // A block was appended to the spool, in this boot.
    void on_stored(const BlockName& name);
    // Which blocks may be on their way; to be passed to Spool::append().
    const SentMarks& sent_marks() const { return order_.marks(); }
    // The collector's date, once after each Welcome.
    std::optional<ServerTime> take_server_time() {
        return std::exchange(server_time_, std::nullopt);
    }
    // Says goodbye, closes and does not come back.
    void leave(MonotonicMs now);
    bool left() const { return leaving_ && state_ == State::waiting; }

    // When next() has something to do although nothing happened.
    MonotonicMs deadline() const;
    // When it will try to connect; never() while it is connecting, connected or leaving.
    MonotonicMs next_attempt() const {
        return state_ == State::waiting && !leaving_ ? retry_at_ : MonotonicMs::never();
    }
    const UplinkStatus& status() const { return status_; }

 private:
    enum class State : std::uint8_t { waiting, opening, greeting, streaming, saying_bye, closing };

    // Frames from the collector.
    Status take_frame(const Frame& frame, MonotonicMs now);
    Status take_welcome(Bytes body, MonotonicMs now);
    Status take_offers(const longhaul_Welcome& welcome);
    Status take_model(Bytes body);
    Status take_renewed(Bytes body);
    Status take_ack(Bytes body, MonotonicMs now);
    Status take_window(Bytes body);
    Status take_bye(Bytes body);
    Status remember_journal(const JournalId& id);

    // Frames to the collector; each leaves one whole frame in frame_, or nothing.
    Status compose_hello();
    Status compose_next(MonotonicMs now);
    void compose_want(const ModelHash& model);
    bool compose_renew();
    Status compose_introduction();
    Status compose_schema(const SchemaHash& hash);
    Status compose_epoch();
    Result<SpoolBlock> find_block(Lane& lane);
    void compose_block(const Lane& lane, const SpoolBlock& block, MonotonicMs now);
    void compose_bye();
    void frame_is_ready(FrameType type, std::size_t body_bytes);
    MutableBytes body_room() { return frame_room_.subspan(frame_header_bytes); }

    bool introduced(Epoch epoch) const;
    bool must_send(const SchemaHash& hash) const;
    void mark_sent(const SchemaHash& hash);
    void begin_session();
    Status begin_order();
    void give_up(const char* why);

    std::string_view firmware_;
    std::span<const AgentStream> streams_;
    UplinkPorts ports_;
    MutableBytes frame_room_;
    FrameReader reader_;
    RetryTimer retry_;

    std::uint64_t boot_ = 0;  // says which start of the device this is; 0: not yet drawn
    State state_ = State::waiting;
    bool leaving_ = false;
    MonotonicMs retry_at_;
    std::int64_t retry_after_ms_ = 0;  // what the collector asked for
    MonotonicMs state_due_;            // of opening, greeting and saying_bye
    Bytes frame_;                      // being written
    UplinkStatus status_;
    SendOrder::Places stored_{};  // the newest block of each class that was stored in this boot

    // Of the session.
    JournalId journal_;
    MonotonicMs greeted_at_;
    std::optional<ServerTime> server_time_;
    std::uint64_t credit_ = 0;
    std::uint64_t spent_ = 0;
    std::uint32_t outstanding_ = 0;  // blocks sent and not acknowledged
    MonotonicMs ack_due_ = MonotonicMs::never();
    SendOrder order_;
    std::array<SchemaHash, streams_of_sources_max> listed_{};  // schemas of the Hello
    std::size_t listed_count_ = 0;
    std::uint32_t unknown_ = 0;  // bit i: listed_[i] has to be sent before an epoch that names it
    std::array<longhaul_EpochRange, limits::known_epochs_max> known_{};
    std::size_t known_count_ = 0;
    std::array<Epoch, 8> introduced_{};  // the last ones; an older one is introduced once more
    std::size_t introduced_count_ = 0;
    Epoch introducing_;  // 0: none
    std::size_t introducing_schema_ = 0;
    std::optional<ModelHash> wanted_;  // asked for, and not yet here
    bool renewed_ = false;  // a newer certificate is here: the session ends with the next Ack
};

}  // namespace longhaul::agent
