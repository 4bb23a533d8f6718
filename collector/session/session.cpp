#include "collector/session/session.hpp"

#include <algorithm>
#include <cstring>

namespace longhaul::collector {
namespace {

constexpr std::uint32_t back_soon_ms = 1'000;
constexpr std::uint32_t back_when_mended_ms = 60'000;  // the device repeats what we refused

using Kind = SessionAction::Kind;

std::optional<ModelHash> model_of(const longhaul_StreamEntry& stream) {
    ModelHash hash;
    if (stream.model.size != hash.size()) return std::nullopt;
    std::memcpy(hash.data(), stream.model.bytes, hash.size());
    return hash;
}

}  // namespace

Session::Session(const DeviceName& peer, const SessionSettings& settings, KnownDevices& known,
                 std::span<const Certificate> authorities, MonotonicMs now)
    : peer_{peer},
      settings_{settings},
      known_{known},
      authorities_{authorities},
      frames_{{}},
      now_{now},
      deadline_{now + settings.hello_deadline_ms},
      meter_{now} {}

void Session::on_bytes(Bytes bytes, WallUs wall, MonotonicMs now) {
    LH_CHECK(in_.empty());
    in_ = bytes;
    wall_ = wall;
    now_ = now;
    if (greeted_ && !closing_) deadline_ = now + settings_.idle_deadline_ms;
}

void Session::on_durable(std::uint64_t count) {
    while (durable_ < count && !pending_.empty()) {
        const Submission done = pending_.front();
        pending_.pop_front();
        ++durable_;
        if (done.kind == JournalKind::schema)
            known_.add_schema(settings_.shard, peer_.tenant, done.hash);
        if (done.kind == JournalKind::model)
            known_.add_model(settings_.shard, peer_.tenant, done.hash);
        if (done.kind == JournalKind::epoch)
            known_.add_epoch(peer_.tenant, peer_.device, incarnation_, done.epoch);
        if (done.kind != JournalKind::block) continue;
        if (settings_.intake != nullptr) settings_.intake->made_durable(done.bytes);
        counters_.acked_bytes += done.bytes;
        ++counters_.acked_blocks;
        const bool goes_on = !acks_.empty() && acks_.back().epoch == done.epoch.value &&
                             acks_.back().last_seq + 1 == done.seq.value;
        if (goes_on) {
            acks_.back().last_seq = done.seq.value;
        } else {
            acks_.push_back({done.epoch.value, done.seq.value, done.seq.value});
        }
    }
}

void Session::on_tick(MonotonicMs now) {
    now_ = now;
    if (now >= credit_due_) credit_due_ = MonotonicMs::never();  // next() asks
    if (now < deadline_ || closing_) return;
    if (greeted_) {
        refuse(longhaul_ByeReason_BYE_REASON_IDLE, "nothing was heard for too long");
    } else {
        refuse(longhaul_ByeReason_BYE_REASON_PROTOCOL, "no Hello came in time");
    }
}

void Session::finish() {
    finishing_ = true;
    wait_for_no_credit();
}

void Session::dismiss(longhaul_ByeReason reason, std::string text, std::uint32_t retry_after_ms) {
    if (!closing_) say_bye(reason, std::move(text), retry_after_ms);
}

void Session::rest() {
    using Nothing = std::vector<std::byte>;  // {} alone would keep the room
    Nothing kept(in_.begin(), in_.end());
    in_kept_.swap(kept);
    in_ = in_kept_;
    if (!epoch_again_) epoch_ = Nothing{};
    if (frames_.empty()) {
        buffer_ = Nothing{};
        frames_ = FrameReader{{}};
    }
    out_taken_ = Nothing{};
    if (out_.empty()) out_ = Nothing{};
}

SessionAction Session::next() {
    if (!acks_.empty()) write_acks();
    if (greeted_ && !closing_ && !finishing_) raise_credit();
    if (!closing_ && finishing_ && pending_.empty()) {
        refuse(longhaul_ByeReason_BYE_REASON_SHUTDOWN, "the collector goes down");
    }
    if (!out_.empty()) {
        out_taken_.swap(out_);
        out_.clear();
        return {Kind::write, {}, out_taken_};
    }
    if (closing_) {
        in_ = {};
        return {Kind::close, {}, {}};
    }
    while (!finishing_) {
        const Result<Frame> frame = next_frame();
        if (!frame.ok() && frame.error().code == ErrorCode::not_found) break;
        const SessionAction action =
            frame.ok() ? on_frame(frame.value())
                       : refuse(longhaul_ByeReason_BYE_REASON_PROTOCOL, to_string(frame.error()));
        if (action.kind != Kind::wait || !out_.empty() || closing_) {
            return action.kind == Kind::wait ? next() : action;
        }
    }
    in_ = {};  // there is none, or nobody wants it any more
    return {};
}

Result<Frame> Session::next_frame() {
    if (std::exchange(epoch_again_, false)) return Frame{FrameType::epoch, epoch_};
    const Result<Frame> frame = frames_.next(in_);
    const bool in_part = !frame.ok() && frame.error().code == ErrorCode::not_found && !in_.empty();
    if (!in_part) return frame;
    buffer_.resize(frame_bytes_max);
    frames_ = FrameReader{buffer_};
    return frames_.next(in_);
}

SessionAction Session::on_frame(const Frame& frame) {
    if (!greeted_ && frame.type != FrameType::hello) {
        return refuse(longhaul_ByeReason_BYE_REASON_PROTOCOL, "the first frame is no Hello");
    }
    switch (frame.type) {
        case FrameType::hello:
            return on_hello(frame.body);
        case FrameType::schema:
            return on_schema(frame.body);
        case FrameType::epoch:
            return on_epoch(frame.body);
        case FrameType::block:
            return on_block(frame.body);
        case FrameType::want:
            return on_want(frame.body);
        case FrameType::renew:
            return on_renew(frame.body);
        case FrameType::bye:
            end_reason_ = "the device said goodbye";
            closing_ = true;
            return {};
        default:
            break;
    }
    return refuse(longhaul_ByeReason_BYE_REASON_PROTOCOL,
                  std::string{"a device may not send "} + name_of(frame.type));
}

SessionAction Session::on_hello(Bytes body) {
    longhaul_Hello hello;
    if (greeted_ || !parse_message(body, hello).ok()) {
        return refuse(longhaul_ByeReason_BYE_REASON_PROTOCOL,
                      greeted_ ? "a second Hello" : "Hello cannot be read");
    }
    if (hello.protocol != protocol_version) {
        return refuse(longhaul_ByeReason_BYE_REASON_VERSION,
                      "protocol " + std::to_string(hello.protocol) + " is not spoken here, only " +
                          std::to_string(protocol_version));
    }
    greeted_ = true;
    deadline_ = now_ + settings_.idle_deadline_ms;
    incarnation_ = {hello.incarnation};
    boot_ = hello.boot;
    note_backlog(hello);
    write_welcome(hello);
    return {};
}

void Session::note_backlog(const longhaul_Hello& hello) {
    std::uint64_t blocks = 0;
    for (pb_size_t i = 0; i < hello.waiting_count; ++i) blocks += hello.waiting[i];
    backlog_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(blocks, UINT32_MAX));
    tells_backlog_ = hello.waiting_count != 0;
}

void Session::write_welcome(const longhaul_Hello& hello) {
    longhaul_Welcome welcome = longhaul_Welcome_init_zero;
    std::memcpy(welcome.journal_uuid, settings_.journal.uuid.data(), settings_.journal.uuid.size());
    welcome.journal_resend = settings_.journal.resend;
    welcome.server_time_us = wall_.value;
    welcome.credit = credit_said_ = credit_now();
    const auto ranges = known_.epochs(peer_.tenant, peer_.device, incarnation_,
                                      {hello.oldest_epoch}, {hello.newest_epoch});
    std::copy(ranges.begin(), ranges.end(), welcome.known_epochs);
    welcome.known_epochs_count = static_cast<pb_size_t>(ranges.size());
    for (pb_size_t i = 0; i < hello.schema_hashes_count; ++i) {
        const auto& wanted = hello.schema_hashes[i];
        const bool known = wanted.size == sizeof(SchemaHash) && knows_schema(hash_of(wanted.bytes));
        if (!known) welcome.unknown_schemas |= std::uint32_t{1} << i;
    }
    renewal_offered_ =
        settings_.renewals != nullptr && (!settings_.leaves_authority || hello.rotation);
    welcome.renewal = renewal_offered_;
    welcome.renew_now = renewal_offered_ && settings_.leaves_authority;
    if (hello.models && settings_.models != nullptr) offer_models(hello, welcome);
    queue([&](ByteWriter& out) { return write_message(welcome, out); });
    if (hello.sealing_key.size == sizeof(SealingKeyId)) {
        std::memcpy(sealing_key_.emplace().data(), hello.sealing_key.bytes, sizeof(SealingKeyId));
        offer_sealing_key(settings_.sealing_offer);
    }
}

bool Session::knows_schema(const SchemaHash& hash) const {
    return schemas_.contains(hash) || known_.has_schema(settings_.shard, peer_.tenant, hash);
}

bool Session::knows_model(const ModelHash& hash) const {
    return std::find(models_.begin(), models_.end(), hash) != models_.end() ||
           known_.has_model(settings_.shard, peer_.tenant, hash);
}

bool Session::knows_epoch(Epoch epoch) const {
    return epochs_.contains(epoch) ||
           known_.has_epoch(peer_.tenant, peer_.device, incarnation_, epoch);
}

// A writer stops when it lacks a key, so a device may not name any key it likes; nor that of
// another tenant, whose people may hold it and nothing of this device's. nullptr: it is in order.
const char* Session::cannot_open(const longhaul_EpochRecord& record) const {
    SealingKeyId id;
    std::memcpy(id.data(), record.sealing_key_id, id.size());
    const auto& keys = settings_.sealing_keys;
    if (keys != nullptr && std::find(keys->begin(), keys->end(), id) == keys->end())
        return "it is sealed to a key that this collector does not hold";
    if (settings_.sealing_tenants == nullptr) return nullptr;
    const auto whose = settings_.sealing_tenants->find(id);
    const bool of_another =
        whose != settings_.sealing_tenants->end() && whose->second != peer_.tenant;
    return of_another ? "it is sealed to a key of another tenant" : nullptr;
}

SessionAction Session::on_schema(Bytes body) {
    std::array<Field, limits::schema_fields_max> storage;
    if (const auto schema = parse_schema(body, storage); !schema.ok()) {
        return refuse(longhaul_ByeReason_BYE_REASON_PROTOCOL,
                      "schema: " + to_string(schema.error()));
    }
    const SchemaHash hash = schema_hash(body);
    if (knows_schema(hash)) return {};
    const std::size_t known = known_.schemas(settings_.shard, peer_.tenant) + schemas_.size();
    if (known >= settings_.schemas_max) {
        return refuse(longhaul_ByeReason_BYE_REASON_PROTOCOL,
                      "schema: the tenant has as many as it may have");
    }
    schemas_.insert(hash);
    return submit({JournalKind::schema, {}, {}, body.size(), hash}, body);
}

SessionAction Session::on_epoch(Bytes body) {
    longhaul_EpochRecord record;
    const auto refuse_with = [this](const std::string& text) {
        return refuse(longhaul_ByeReason_BYE_REASON_PROTOCOL, "epoch record: " + text);
    };
    const auto parsed = parse_signed_epoch(body);
    if (!parsed.ok()) return refuse_with(to_string(parsed.error()));
    if (const Status read = parse_epoch_record(parsed.value().record, record); !read.ok()) {
        return refuse_with(to_string(read.error()));
    }
    if (DeviceName{record.environment, record.tenant, record.device} != peer_) {
        return refuse_with("it names another device than the certificate of this connection");
    }
    if (record.incarnation != incarnation_.value)
        return refuse_with("it is of another incarnation than the Hello");
    if (knows_epoch({record.epoch})) return {};
    if (const Status signed_by = verify_signed_epoch(parsed.value(), peer_, authorities_);
        !signed_by.ok()) {
        return refuse_with(to_string(signed_by.error()));
    }
    if (const char* const why = cannot_open(record); why != nullptr) return refuse_with(why);
    for (pb_size_t i = 0; i < record.streams_count; ++i) {
        if (!knows_schema(hash_of(record.streams[i].schema_hash))) {
            return refuse_with("the schema of stream " + std::to_string(record.streams[i].index) +
                               " has not come");
        }
    }
    // A model counts from its entry on, so it goes first.
    if (const auto model = model_to_append(record); model != nullptr) {
        model_ = model;
        const ModelHash hash = model_hash(*model);
        models_.push_back(hash);
        if (body.data() != epoch_.data()) epoch_.assign(body.begin(), body.end());
        epoch_again_ = true;
        return submit({JournalKind::model, {}, {}, model->size(), hash}, *model_);
    }
    KnownDevices::insert_bounded(epochs_, {record.epoch});
    return submit({JournalKind::epoch, {record.epoch}, {}, body.size(), {}}, body);
}

ModelShelf::StoredModel Session::model_to_append(const longhaul_EpochRecord& record) const {
    if (settings_.models == nullptr) return nullptr;
    for (pb_size_t i = 0; i < record.streams_count; ++i) {
        const auto hash = model_of(record.streams[i]);
        if (!hash || knows_model(*hash)) continue;
        if (auto model = settings_.models->find(peer_.tenant, *hash)) return model;
    }
    return nullptr;
}

SessionAction Session::on_want(Bytes body) {
    ModelHash hash;
    const bool whole = body.size() == hash.size();
    if (whole) std::copy(body.begin(), body.end(), hash.begin());
    if (!whole || std::erase(offered_, hash) == 0) {
        return refuse(longhaul_ByeReason_BYE_REASON_PROTOCOL,
                      "a model is wanted that was not offered, or was sent already");
    }
    const auto model = settings_.models->find(peer_.tenant, hash);
    LH_CHECK(model != nullptr);
    queue(
        [&](ByteWriter& out) {
            write_frame(FrameType::model, *model, out);
            return Status{};
        },
        frame_bytes_max);
    return {};
}

SessionAction Session::on_block(Bytes body) {
    const auto header = parse_block_header(body);
    if (!header.ok()) {
        return refuse(longhaul_ByeReason_BYE_REASON_PROTOCOL,
                      "block: " + to_string(header.error()));
    }
    const BlockName& name = header.value().name;
    if (name.incarnation != incarnation_ || !knows_epoch(name.epoch)) {
        return refuse(
            longhaul_ByeReason_BYE_REASON_PROTOCOL,
            "block of epoch " + std::to_string(name.epoch.value) + " whose record has not come");
    }
    counters_.block_bytes += body.size();
    if (counters_.block_bytes > credit_said_) {
        return refuse(longhaul_ByeReason_BYE_REASON_PROTOCOL,
                      "more bytes of blocks than the credit allows");
    }
    ++counters_.blocks;
    if (settings_.intake != nullptr) settings_.intake->took(body.size(), now_);
    return submit({JournalKind::block, name.epoch, name.seq, body.size(), {}}, body);
}

SessionAction Session::submit(Submission submission, Bytes body) {
    const JournalKind kind = submission.kind;
    pending_.push_back(submission);
    ++submitted_;
    return {Kind::submit, kind, body};
}

SessionAction Session::refuse(longhaul_ByeReason reason, std::string text) {
    const bool in_good_order = reason == longhaul_ByeReason_BYE_REASON_SHUTDOWN ||
                               reason == longhaul_ByeReason_BYE_REASON_IDLE;
    broken_by_device_ = !in_good_order;
    say_bye(reason, std::move(text), in_good_order ? back_soon_ms : back_when_mended_ms);
    return {};
}

void Session::say_bye(longhaul_ByeReason reason, std::string text, std::uint32_t retry_after_ms) {
    longhaul_Bye bye = longhaul_Bye_init_zero;
    bye.reason = reason;
    std::strncpy(bye.text, text.c_str(), sizeof(bye.text) - 1);
    bye.retry_after_ms = retry_after_ms;
    queue([&](ByteWriter& out) { return write_bye(FrameType::collector_bye, bye, out); });
    end_reason_ = std::move(text);
    closing_ = true;
    wait_for_no_credit();
}

}  // namespace longhaul::collector
