// The frames that an uplink sends: Hello, introductions, blocks in their order, Bye.
#include <algorithm>
#include <cstring>

#include "agent/core/uplink.hpp"

namespace longhaul::agent {

Status Uplink::compose_hello() {
    longhaul_Hello hello = longhaul_Hello_init_zero;
    LH_TRY_ASSIGN(const SpoolDepth depth, ports_.spool.depth());
    hello.protocol = protocol_version;
    std::memcpy(hello.firmware, firmware_.data(), firmware_.size());
    hello.models = ports_.models != nullptr && ports_.models->uses_models();
    if (ports_.sealing_keys != nullptr) {
        const SealingKeyId newest = ports_.sealing_keys->newest();
        hello.sealing_key.size = static_cast<pb_size_t>(newest.size());
        std::memcpy(hello.sealing_key.bytes, newest.data(), newest.size());
    }
    // Without one the Hello says a little less.
    if (boot_ == 0 && !ports_.entropy.fill(std::as_writable_bytes(std::span{&boot_, 1})).ok())
        boot_ = 0;
    hello.boot = boot_;
    hello.rotation = ports_.credentials != nullptr && ports_.credentials->renews();
    hello.incarnation = ports_.spool.incarnation().value;
    hello.oldest_epoch = depth.oldest_epoch.value;
    hello.newest_epoch = depth.newest_epoch.value;
    hello.epochs = depth.epochs;
    hello.waiting_count = static_cast<pb_size_t>(depth.waiting.size());
    std::copy(depth.waiting.begin(), depth.waiting.end(), hello.waiting);
    const WallReading wall = ports_.clock.read();
    if (wall.known) hello.wall_us = wall.now.value;

    const auto list = [this](const SchemaHash& hash) {
        const auto end = listed_.begin() + static_cast<std::ptrdiff_t>(listed_count_);
        if (listed_count_ < listed_.size() && std::find(listed_.begin(), end, hash) == end) {
            listed_[listed_count_++] = hash;
        }
    };
    for (const AgentStream& stream : streams_) list(stream.schema_hash);
    std::array<SchemaHash, streams_of_sources_max> waiting;
    LH_TRY_ASSIGN(const std::size_t waiting_count, ports_.spool.waiting_schemas(waiting));
    for (const SchemaHash& hash : std::span{waiting}.first(waiting_count)) list(hash);

    for (const SchemaHash& hash : std::span{listed_}.first(listed_count_)) {
        auto& entry = hello.schema_hashes[hello.schema_hashes_count++];
        entry.size = static_cast<pb_size_t>(hash.size());
        std::memcpy(entry.bytes, hash.data(), hash.size());
    }
    ByteWriter out{frame_room_};
    LH_TRY(write_message(hello, out));
    frame_ = out.written();
    return {};
}

void Uplink::on_stored(const BlockName& name) {
    const BlockClass block_class = name.seq.block_class();
    stored_[static_cast<std::size_t>(block_class)] = place_of(name);
    order_.stored(block_class);
}

// What waits now is the backlog. Of this boot it ends with the last block stored; every block of an
// earlier one is of an earlier epoch.
Status Uplink::begin_order() {
    const Epoch epoch = std::ranges::max(stored_).epoch;
    SendOrder::Places newest = stored_;
    if (epoch.value == 0) {
        LH_TRY_ASSIGN(const SpoolDepth depth, ports_.spool.depth());
        newest.fill({depth.newest_epoch, BlockSeq::number_max});
    }
    for (BlockPlace& place : newest) place = std::max(place, BlockPlace{epoch, 0});
    order_.begin(newest);
    return {};
}

Status Uplink::compose_next(MonotonicMs now) {
    if (introducing_.value != 0) return compose_introduction();
    if (ports_.models != nullptr && !wanted_) {
        wanted_ = ports_.models->next_wanted();
        if (wanted_) {
            compose_want(*wanted_);
            return {};
        }
    }
    if (compose_renew()) return {};
    Lane lane;
    const Result<SpoolBlock> found = find_block(lane);
    if (!found.ok()) return found.error() == ErrorCode::not_found ? Status{} : found.error();
    const SpoolBlock& block = found.value();
    if (spent_ + block.sealed.size() > credit_) return {};  // a Window frame goes on
    if (introduced(block.tag.name.epoch)) {
        compose_block(lane, block, now);
        return {};
    }
    introducing_ = block.tag.name.epoch;
    introducing_schema_ = 0;
    return compose_introduction();
}

void Uplink::compose_want(const ModelHash& model) {
    std::memcpy(body_room().data(), model.data(), model.size());
    frame_is_ready(FrameType::want, model.size());
}

// A request that cannot be made is not sent; the older certificate goes on.
bool Uplink::compose_renew() {
    if (ports_.credentials == nullptr) return false;
    const WallReading wall = ports_.clock.read();
    if (!ports_.credentials->due(wall)) return false;
    const Result<Bytes> request = ports_.credentials->request(wall, body_room());
    if (!request.ok()) return false;
    frame_is_ready(FrameType::renew, request.value().size());
    return true;
}

// The block that goes next, and its lane; not_found: nothing waits.
Result<SpoolBlock> Uplink::find_block(Lane& lane) {
    while (const std::optional<Lane> next = order_.next()) {
        lane = *next;
        const BlockPlace after = order_.after(lane);
        Result<SpoolBlock> found =
            ports_.spool.next(lane.block_class, after.epoch,
                              BlockSeq::of(lane.block_class, after.number), body_room());
        if (!found.ok() && found.error() != ErrorCode::not_found) return found;
        if (found.ok() && order_.holds(lane, place_of(found.value().tag.name))) return found;
        order_.is_empty(lane);
    }
    return ErrorCode::not_found;
}

// One frame a call: the schemas that the collector lacks, then the epoch record that names them.
Status Uplink::compose_introduction() {
    std::array<SchemaHash, streams_of_sources_max> needed;
    LH_TRY_ASSIGN(const std::size_t count, ports_.spool.epoch_schemas(introducing_, needed));
    while (introducing_schema_ < count) {
        const SchemaHash& hash = needed[introducing_schema_++];
        if (must_send(hash)) return compose_schema(hash);
    }
    return compose_epoch();
}

Status Uplink::compose_schema(const SchemaHash& hash) {
    LH_TRY_ASSIGN(const Bytes schema, ports_.spool.read_schema(hash, body_room()));
    frame_is_ready(FrameType::schema, schema.size());
    mark_sent(hash);
    return {};
}

Status Uplink::compose_epoch() {
    LH_TRY_ASSIGN(const Bytes record, ports_.spool.read_epoch(introducing_, body_room()));
    frame_is_ready(FrameType::epoch, record.size());
    introduced_[introduced_count_++ % introduced_.size()] = introducing_;
    introducing_ = {};
    return {};
}

void Uplink::compose_block(const Lane& lane, const SpoolBlock& block, MonotonicMs now) {
    order_.sent(lane, place_of(block.tag.name));
    spent_ += block.sealed.size();
    ++status_.sent_blocks;
    status_.sent_sealed_bytes += block.sealed.size();
    if (outstanding_++ == 0) ack_due_ = now + ack_ms_max;
    frame_is_ready(FrameType::block, block.sealed.size());
}

void Uplink::compose_bye() {
    longhaul_Bye bye = longhaul_Bye_init_zero;
    bye.reason = longhaul_ByeReason_BYE_REASON_DONE;
    ByteWriter out{frame_room_};
    const Status written = write_bye(FrameType::bye, bye, out);
    LH_CHECK(written.ok());
    frame_ = out.written();
    state_ = State::saying_bye;
}

// The body lies in body_room() already.
void Uplink::frame_is_ready(FrameType type, std::size_t body_bytes) {
    ByteWriter header{frame_room_};
    header.u8(static_cast<std::uint8_t>(type));
    header.u24(static_cast<std::uint32_t>(body_bytes));
    frame_ = frame_room_.first(frame_header_bytes + body_bytes);
}

bool Uplink::introduced(Epoch epoch) const {
    const auto known = std::span{known_}.first(known_count_);
    const auto recent =
        std::span{introduced_}.first(std::min(introduced_count_, introduced_.size()));
    return std::find(recent.begin(), recent.end(), epoch) != recent.end() ||
           std::any_of(known.begin(), known.end(), [epoch](const longhaul_EpochRange& range) {
               return range.first <= epoch.value && epoch.value <= range.last;
           });
}

// A schema that the Hello had no room for may be unknown, so it is sent.
bool Uplink::must_send(const SchemaHash& hash) const {
    for (std::size_t i = 0; i < listed_count_; ++i) {
        if (listed_[i] == hash) return (unknown_ >> i & 1) != 0;
    }
    return true;
}

void Uplink::mark_sent(const SchemaHash& hash) {
    for (std::size_t i = 0; i < listed_count_; ++i) {
        if (listed_[i] == hash) unknown_ &= ~(std::uint32_t{1} << i);
    }
}

}  // namespace longhaul::agent
