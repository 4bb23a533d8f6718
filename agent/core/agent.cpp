#include "agent/core/agent.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::agent {
namespace {

constexpr unsigned link_steps_per_poll = 16;
constexpr std::size_t read_bytes = 1024;

// An epoch is made while no column is being encoded, in the same memory.
std::size_t column_values(const AgentSettings& settings) {
    const std::size_t for_epoch = (settings.epoch_bytes_max + sizeof(Value) - 1) / sizeof(Value);
    return std::max(settings.section_samples_max, for_epoch);
}

std::size_t arena_words(const AgentSettings& settings, std::span<Source* const> sources) {
    return settings.staging_bytes / 8 * Sampler::class_count(sources);
}

std::size_t inbound_bytes(const AgentSettings& settings) {
    return uplink_inbound_bytes_with(
        std::max(settings.model_bytes_max,
                 settings.renews ? limits::certificate_chain_bytes_max : std::size_t{0}));
}

std::size_t frame_bytes(const AgentSettings& settings) {
    return uplink_frame_bytes(std::max(settings.body_bytes_max, settings.stored_body_bytes_max),
                              settings.epoch_bytes_max, settings.schema_bytes_max);
}

}  // namespace

std::size_t Agent::memory_bytes(const AgentSettings& settings, std::span<Source* const> sources) {
    const std::size_t streams = Sampler::stream_count(sources);
    const std::size_t pending = pending_max(settings, sources);
    return Memory::bytes_for<AgentStream>(streams) + Memory::bytes_for<OpenSection>(streams) +
           Memory::bytes_for<SectionBound::Column>(Sampler::field_count(sources)) +
           Memory::bytes_for<HeldSample>(sources.size()) +
           Memory::bytes_for<std::uint64_t>(arena_words(settings, sources)) +
           Memory::bytes_for<Value>(column_values(settings)) + settings.body_bytes_max +
           Memory::bytes_for<SpoolBlock>(pending) +
           pending * (block_header_bytes + settings.body_bytes_max) + inbound_bytes(settings) +
           frame_bytes(settings);
}

// Class 0 seals also without streams, for the account of losses.
std::size_t Agent::pending_max(const AgentSettings& settings, std::span<Source* const> sources) {
    return settings.blocks_per_append + Sampler::class_count(sources);
}

Agent::Rooms Agent::deal(const AgentSettings& settings, std::span<Source* const> sources,
                         MutableBytes room) {
    LH_CHECK(settings.body_bytes_max >= body_bytes_min);
    LH_CHECK(settings.body_bytes_max <= limits::block_body_bytes_max);
    LH_CHECK(settings.blocks_per_append >= 1);
    for (const Source* source : sources)
        for (const StreamInfo& stream : source->streams())
            LH_CHECK(stream.encoded_schema.size() <= settings.schema_bytes_max);
    Memory memory{room};
    Rooms rooms;
    const std::size_t streams = Sampler::stream_count(sources);
    rooms.streams = memory.take<AgentStream>(streams);
    rooms.held = memory.take<HeldSample>(sources.size());
    rooms.builder.sections = memory.take<OpenSection>(streams);
    rooms.builder.fields = memory.take<SectionBound::Column>(Sampler::field_count(sources));
    rooms.builder.arena = memory.take<std::uint64_t>(arena_words(settings, sources));
    const std::span<Value> column = memory.take<Value>(column_values(settings));
    rooms.builder.column = column.first(settings.section_samples_max);
    rooms.epoch = std::as_writable_bytes(column).first(settings.epoch_bytes_max);
    rooms.builder.body = memory.take<std::byte>(settings.body_bytes_max);
    const std::size_t pending = pending_max(settings, sources);
    rooms.pending = memory.take<SpoolBlock>(pending);
    rooms.sealed = memory.take<std::byte>(pending * (block_header_bytes + settings.body_bytes_max));
    rooms.inbound = memory.take<std::byte>(inbound_bytes(settings));
    rooms.frame = memory.take<std::byte>(frame_bytes(settings));
    return rooms;
}

Agent::Agent(const AgentSettings& settings, const Ports& ports, MutableBytes memory)
    : settings_{settings},
      ports_{ports},
      rooms_{deal(settings, ports.sources, memory)},
      sampler_{ports.sources, rooms_.streams, rooms_.held},
      builder_{sampler_.streams(), rooms_.builder, settings.codecs, ports.codecs},
      time_{ports.clock, ports.spool},
      models_{ports.models, settings.model_bytes_max, ports.spool, rooms_.streams},
      credentials_{settings.renews ? ports.credentials : nullptr},
      uplink_{settings_.firmware,
              sampler_.streams(),
              {ports.spool, ports.entropy, time_, &models_, ports.sealing_keys, &credentials_},
              rooms_.inbound,
              rooms_.frame},
      budget_{settings.write_bytes_per_day} {}

MonotonicMs Agent::poll(MonotonicMs now) {
    if (!begun_) begin(now);
    time_.at(now);
    bool more = drive_link(now);
    if (const auto server = uplink_.take_server_time()) time_.on_server_time(*server);
    wall_ = time_.read();
    time_.keep(false);
    if (may_store(now)) {
        const std::uint64_t blocks_before = status_.blocks;
        try_stopped_again(now);
        if (!next_to_store().empty()) note(store_pending(now), now);
        more = take_samples(now) || more;
        seal_due(now);
        tell_losses(now);
        if (!next_to_store().empty() && may_store(now)) note(store_pending(now), now);
        more = more || status_.blocks != blocks_before;  // the uplink can send them
    }
    status_.spool_full =
        all_full_ || std::find(stopped_.begin(), stopped_.end(), true) != stopped_.end();
    if (stopping_ && all_sampled_ && all_stored()) note_clean_end();
    return more ? now : next_deadline(now);
}

void Agent::begin(MonotonicMs now) {
    begun_ = true;
    began_at_ = now;
    sampler_.begin(now);
    uplink_.start(now);
    const SpoolWear wear = ports_.spool.wear();
    erases_at_begin_ = wear.erases;
    budget_.account(now, wear.bytes_written);
}

AgentWear Agent::wear(MonotonicMs now) const {
    AgentWear wear{ports_.spool.wear(), std::nullopt, budget_.overdrawn()};
    if (begun_)
        wear.days_left =
            agent::days_left(wear.spool, erases_at_begin_, now - began_at_, settings_.rated_erases);
    return wear;
}

MonotonicMs Agent::next_deadline(MonotonicMs now) const {
    MonotonicMs next = uplink_.deadline();
    if (!may_store(now)) return std::min(next, store_again_at_);
    next = std::min(next, sampler_.next_at(stopped_));
    for (std::size_t i = 0; i < block_class_count; ++i) {
        next = std::min(next, stopped_[i] ? try_again_[i].at : due_at(static_cast<BlockClass>(i)));
    }
    const bool can_tell = has_to_tell() && !has_stopped(BlockClass::alarm);
    return can_tell ? std::min(next, tell_at_) : next;
}

// The link.

bool Agent::drive_link(MonotonicMs now) {
    watch_link(now);
    for (unsigned step = 0; step < link_steps_per_poll; ++step) {
        bool moved = link_open_ && read_link(now);
        const UplinkAction action = uplink_.next(now);
        switch (action.kind) {
            case UplinkAction::Kind::open:
                open_link(now);
                return false;
            case UplinkAction::Kind::close:
                drop_link(now);
                return false;
            case UplinkAction::Kind::write:
                moved = write_link(action.bytes, now) || moved;
                break;
            case UplinkAction::Kind::wait:
                break;
        }
        if (!moved) return false;
    }
    return true;
}

void Agent::open_link(MonotonicMs now) {
    link_in_use_ = true;
    if (!ports_.link.open(now).ok()) drop_link(now);
}

void Agent::drop_link(MonotonicMs now) {
    const char* const trouble = ports_.link.last_error();
    if (*trouble != '\0') status_.link_trouble = trouble;
    ports_.link.close();
    link_in_use_ = link_open_ = false;
    uplink_.on_closed(now);
}

void Agent::watch_link(MonotonicMs now) {
    if (!link_in_use_) return;
    const LinkState state = ports_.link.poll(now);
    if (state == LinkState::closed) return drop_link(now);
    if (state == LinkState::open && !link_open_) {
        link_open_ = true;
        uplink_.on_open(now);
    }
}

bool Agent::read_link(MonotonicMs now) {
    std::array<std::byte, read_bytes> room;
    const Result<std::size_t> count = ports_.link.read(room);
    if (!count.ok()) {
        drop_link(now);
        return false;
    }
    uplink_.on_bytes(Bytes{room}.first(count.value()), now);
    return count.value() != 0;
}

bool Agent::write_link(Bytes bytes, MonotonicMs now) {
    const Result<std::size_t> count = ports_.link.write(bytes);
    if (!count.ok()) {
        drop_link(now);
        return false;
    }
    uplink_.on_written(count.value());
    return count.value() != 0;
}

// The end.

void Agent::stop(MonotonicMs now, bool all_sampled) {
    stopping_ = true;
    all_sampled_ = all_sampled;
    sampler_.stop();
    store_again_at_ = {};
    try_again_ = {};
    time_.keep(true);
    uplink_.leave(now);
}

bool Agent::stopped() const { return stopping_ && all_stored() && uplink_.left() && !link_in_use_; }

// The next epoch record says that nothing was lost between the last stored sample and its
// beginning.
void Agent::note_clean_end() {
    if (ended_cleanly_ || epoch_.value == 0) return;
    ended_cleanly_ = true;
    if (!end_epoch_cleanly(ports_.spool, epoch_).ok())
        status_.trouble = "the clean end of the epoch could not be noted";
}

bool Agent::drained() {
    if (!sampler_.ended() || !builder_.empty() || has_pending()) return false;
    if (!ports_.spool.losses().empty()) return false;
    const Result<SpoolDepth> depth = ports_.spool.depth();
    return depth.ok() && std::all_of(depth.value().waiting.begin(), depth.value().waiting.end(),
                                     [](std::uint32_t count) { return count == 0; });
}

}  // namespace longhaul::agent
