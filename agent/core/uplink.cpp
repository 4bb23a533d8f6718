#include "agent/core/uplink.hpp"

#include <algorithm>
#include <cstring>

#include "agent/core/epoch_maker.hpp"

namespace longhaul::agent {
namespace {

constexpr std::int64_t bye_ms_max = 2000;
constexpr std::size_t journal_id_bytes = sizeof(Uuid) + 4;

// What went wrong, as static text for the status.
const char* words_for(const Error& error) {
    return *error.detail != '\0' ? error.detail : name_of(error.code);
}

JournalId journal_of(const pb_byte_t (&uuid)[sizeof(Uuid)], std::uint32_t resend) {
    JournalId id;
    std::memcpy(id.uuid.data(), uuid, sizeof(uuid));
    id.resend = resend;
    return id;
}

}  // namespace

Uplink::Uplink(std::string_view firmware, std::span<const AgentStream> streams,
               const UplinkPorts& ports, MutableBytes inbound_room, MutableBytes frame_room)
    : firmware_{firmware},
      streams_{streams},
      ports_{ports},
      frame_room_{frame_room},
      reader_{inbound_room},
      retry_{ports.spool, ports.entropy} {
    LH_CHECK(inbound_room.size() >= uplink_inbound_bytes);
    LH_CHECK(frame_room.size() >= uplink_frame_bytes(0, 0, 0));
    LH_CHECK(firmware.size() <= limits::name_bytes_max);
}

void Uplink::start(MonotonicMs now) { retry_at_ = now + retry_.delay_ms(); }

UplinkAction Uplink::next(MonotonicMs now) {
    if (state_ == State::waiting) {
        if (leaving_ || now < retry_at_) return {};
        state_ = State::opening;
        state_due_ = now + open_ms_max;
        if (ports_.credentials != nullptr) ports_.credentials->on_attempt();
        return {UplinkAction::Kind::open, {}};
    }
    if (state_ == State::opening && now >= state_due_) give_up("connecting took too long");
    if (state_ == State::greeting && now >= state_due_) give_up("no Welcome came");
    if (leaving_ && now >= state_due_) state_ = State::closing;
    if (state_ == State::streaming && now >= ack_due_) give_up("no acknowledgement came");
    if (state_ == State::closing) return {UplinkAction::Kind::close, {}};

    if (renewed_ && frame_.empty() && outstanding_ == 0 && state_ == State::streaming) {
        retry_.succeeded();
        give_up("a new certificate is here and is used from now on");
    }
    if (frame_.empty() && state_ == State::streaming) {
        const Status composed = leaving_ || renewed_ ? Status{} : compose_next(now);
        if (!composed.ok()) give_up(words_for(composed.error()));
        if (leaving_) compose_bye();
    }
    if (state_ == State::closing) return {UplinkAction::Kind::close, {}};
    if (!frame_.empty()) return {UplinkAction::Kind::write, frame_};
    if (state_ == State::saying_bye) return {UplinkAction::Kind::close, {}};
    return {};
}

MonotonicMs Uplink::deadline() const {
    switch (state_) {
        case State::waiting:
            return leaving_ ? MonotonicMs::never() : retry_at_;
        case State::opening:
        case State::greeting:
        case State::saying_bye:
            return state_due_;
        case State::streaming:
            return leaving_ ? state_due_ : ack_due_;
        case State::closing:
            return {};
    }
    return MonotonicMs::never();
}

void Uplink::on_open(MonotonicMs now) {
    if (state_ == State::closing) return;  // told to leave in the meantime
    LH_CHECK(state_ == State::opening);
    begin_session();
    state_ = State::greeting;
    state_due_ = now + welcome_ms_max;
    greeted_at_ = now;
    const Status composed = compose_hello();
    if (!composed.ok()) give_up(words_for(composed.error()));
}

void Uplink::on_closed(MonotonicMs now) {
    if (state_ == State::waiting) return;
    if (state_ == State::opening) status_.last_trouble = "the collector could not be reached";
    if (state_ == State::greeting || state_ == State::streaming) {
        status_.last_trouble = "the connection broke";
    }
    const std::int64_t delay_ms = std::max(retry_.delay_ms(), retry_after_ms_);
    if (!leaving_) retry_.failed();
    retry_after_ms_ = 0;
    retry_at_ = now + delay_ms;
    status_.connected = false;
    frame_ = {};
    ack_due_ = MonotonicMs::never();
    order_.end();
    state_ = State::waiting;
}

void Uplink::on_written(std::size_t count) { frame_ = frame_.subspan(count); }

void Uplink::on_bytes(Bytes bytes, MonotonicMs now) {
    while (!bytes.empty() && state_ != State::closing && state_ != State::waiting) {
        const Result<Frame> frame = reader_.next(bytes);
        if (!frame.ok() && frame.error() == ErrorCode::not_found) {
            if (!bytes.empty()) give_up("the collector sent a frame that is too long");
            return;
        }
        const Status taken_in = frame.ok() ? take_frame(frame.value(), now) : Status{frame.error()};
        if (!taken_in.ok()) return give_up(words_for(taken_in.error()));
    }
}

void Uplink::leave(MonotonicMs now) {
    if (leaving_) return;
    leaving_ = true;
    state_due_ = now + bye_ms_max;
    if (state_ == State::opening || state_ == State::greeting) state_ = State::closing;
}

void Uplink::begin_session() {
    reader_.clear();
    frame_ = {};
    credit_ = spent_ = 0;
    outstanding_ = 0;
    ack_due_ = MonotonicMs::never();
    listed_count_ = 0;
    unknown_ = 0;
    known_count_ = 0;
    introduced_count_ = 0;
    introducing_ = {};
    wanted_.reset();
    renewed_ = false;
}

void Uplink::give_up(const char* why) {
    status_.last_trouble = why;
    state_ = State::closing;
}

Status Uplink::take_frame(const Frame& frame, MonotonicMs now) {
    if (frame.type == FrameType::collector_bye) return take_bye(frame.body);
    if (state_ == State::greeting && frame.type == FrameType::welcome)
        return take_welcome(frame.body, now);
    if (state_ == State::streaming || state_ == State::saying_bye) {
        if (frame.type == FrameType::ack) return take_ack(frame.body, now);
        if (frame.type == FrameType::window) return take_window(frame.body);
        if (frame.type == FrameType::model && wanted_) return take_model(frame.body);
        if (frame.type == FrameType::sealing_key && ports_.sealing_keys != nullptr) {
            // One that is not good changes nothing; the session goes on.
            static_cast<void>(ports_.sealing_keys->keep(frame.body));
            return {};
        }
        if (frame.type == FrameType::renewed && ports_.credentials != nullptr &&
            ports_.credentials->waits())
            return take_renewed(frame.body);
    }
    return Error{ErrorCode::out_of_order, "a frame came at a moment where it may not"};
}

Status Uplink::take_welcome(Bytes body, MonotonicMs now) {
    longhaul_Welcome welcome;
    LH_TRY(parse_message(body, welcome));
    journal_ = journal_of(welcome.journal_uuid, welcome.journal_resend);
    LH_TRY(remember_journal(journal_));
    LH_TRY(begin_order());
    LH_TRY(take_offers(welcome));
    if (welcome.server_time_us > 0)
        server_time_ = ServerTime{{welcome.server_time_us}, greeted_at_, now};
    credit_ = welcome.credit;
    unknown_ = welcome.unknown_schemas;
    known_count_ = welcome.known_epochs_count;
    std::copy_n(welcome.known_epochs, known_count_, known_.begin());
    if (ports_.credentials != nullptr)
        ports_.credentials->on_welcome(welcome.renewal, welcome.renew_now);
    state_ = State::streaming;
    ++status_.sessions;
    status_.connected = true;
    status_.last_trouble = "";
    status_.last_bye.fill('\0');
    return {};
}

Status Uplink::take_offers(const longhaul_Welcome& welcome) {
    for (const longhaul_ModelOffer& offer : std::span{welcome.offers}.first(welcome.offers_count)) {
        if (offer.schema >= listed_count_)
            return Error{ErrorCode::malformed, "an offer for a schema that was not listed"};
    }
    if (ports_.models == nullptr) return {};
    ports_.models->begin_offers();
    for (const longhaul_ModelOffer& offer : std::span{welcome.offers}.first(welcome.offers_count)) {
        ModelHash model;
        std::memcpy(model.data(), offer.model, model.size());
        ports_.models->offer(listed_[offer.schema], model, offer.bytes);
    }
    ports_.models->end_offers();
    return {};
}

Status Uplink::take_model(Bytes body) {
    ports_.models->take(*wanted_, body);
    wanted_.reset();
    return {};
}

Status Uplink::take_renewed(Bytes body) {
    renewed_ = ports_.credentials->take(body);
    return {};
}

// Another journal knows nothing of what the last one acknowledged, so everything waits again; only
// then is the new one remembered.
Status Uplink::remember_journal(const JournalId& id) {
    std::array<std::byte, journal_id_bytes> written;
    ByteWriter out{written};
    out.bytes(id.uuid);
    out.u32(id.resend);

    std::array<std::byte, journal_id_bytes> room;
    const Result<Bytes> kept = ports_.spool.read_state(state_journal_id, room);
    if (kept.ok() && equal(kept.value(), written)) return {};
    if (!kept.ok() && kept.error().code != ErrorCode::not_found) return kept.error();
    if (kept.ok()) LH_TRY(ports_.spool.void_durable());
    return ports_.spool.put_state(state_journal_id, written);
}

Status Uplink::take_ack(Bytes body, MonotonicMs now) {
    longhaul_Ack ack;
    LH_TRY(parse_message(body, ack));
    if (!(journal_of(ack.journal_uuid, ack.journal_resend) == journal_)) {
        return Error{ErrorCode::out_of_order, "an acknowledgement of another journal"};
    }
    for (const longhaul_AckRange& range : std::span{ack.ranges}.first(ack.ranges_count)) {
        const SeqRange marked{{range.epoch}, {range.first_seq}, {range.last_seq}};
        if (marked.first > marked.last || marked.epoch.value == 0 || marked.first.number() == 0 ||
            marked.first.block_class() != marked.last.block_class()) {
            return Error{ErrorCode::malformed, "an acknowledgement of an impossible range"};
        }
        LH_TRY_ASSIGN(const DurableGain gain, ports_.spool.mark_durable(marked));
        status_.acked_blocks += gain.blocks;
        status_.acked_samples += gain.samples;
        outstanding_ -= std::min(outstanding_, range.last_seq - range.first_seq + 1);
    }
    ack_due_ = outstanding_ == 0 ? MonotonicMs::never() : now + ack_ms_max;
    retry_.succeeded();
    return {};
}

Status Uplink::take_window(Bytes body) {
    longhaul_Window window;
    LH_TRY(parse_message(body, window));
    if (window.credit < credit_)
        return Error{ErrorCode::malformed, "the collector took credit back"};
    credit_ = window.credit;
    return {};
}

Status Uplink::take_bye(Bytes body) {
    longhaul_Bye bye;
    LH_TRY(parse_message(body, bye));
    std::strncpy(status_.last_bye.data(), bye.text, status_.last_bye.size() - 1);
    // Having had nothing to say is no failure; what comes up next may be an alarm.
    if (bye.reason == longhaul_ByeReason_BYE_REASON_IDLE) retry_.succeeded();
    retry_after_ms_ = std::min<std::int64_t>(bye.retry_after_ms, RetryTimer::delay_ms_max);
    give_up("the collector said goodbye");
    return {};
}

}  // namespace longhaul::agent
