#include "agent/core/agent.hpp"

#include <algorithm>
#include <utility>

#include "common/base/check.hpp"

namespace longhaul::agent {
namespace {

constexpr std::int64_t store_again_ms = 1000;
constexpr unsigned link_steps_per_poll = 16;
constexpr std::size_t read_bytes = 1024;
// Section header, entry length and an anchor whose three numbers are as long as they can be.
constexpr std::size_t anchor_bytes_max =
    limits::section_header_bytes_max + 3 + 3 * (1 + varint_bytes_max);

std::size_t column_values() {
    constexpr std::size_t for_scratch = (epoch_scratch_bytes + sizeof(Value) - 1) / sizeof(Value);
    return std::max(limits::section_samples_max, for_scratch);
}

std::size_t frame_bytes(const AgentSettings& settings) {
    return uplink_frame_bytes(std::max(settings.body_bytes_max, settings.stored_body_bytes_max));
}

}  // namespace

std::size_t Agent::memory_bytes(const AgentSettings& settings, std::span<Source* const> sources) {
    const std::size_t streams = Sampler::stream_count(sources);
    return Memory::bytes_for<AgentStream>(streams) + Memory::bytes_for<OpenSection>(streams) +
           Memory::bytes_for<std::uint64_t>(settings.staging_bytes / 8) +
           Memory::bytes_for<Value>(column_values()) + settings.body_bytes_max +
           Memory::bytes_for<SpoolBlock>(settings.blocks_per_append) +
           settings.blocks_per_append * (block_header_bytes + settings.body_bytes_max) +
           uplink_inbound_bytes + frame_bytes(settings);
}

Agent::Rooms Agent::deal(const AgentSettings& settings, std::span<Source* const> sources,
                         MutableBytes room) {
    LH_CHECK(settings.body_bytes_max >= body_bytes_min);
    LH_CHECK(settings.body_bytes_max <= limits::block_body_bytes_max);
    LH_CHECK(settings.blocks_per_append >= 1);
    Memory memory{room};
    Rooms rooms;
    const std::size_t streams = Sampler::stream_count(sources);
    rooms.streams = memory.take<AgentStream>(streams);
    rooms.builder.sections = memory.take<OpenSection>(streams);
    rooms.builder.arena = memory.take<std::uint64_t>(settings.staging_bytes / 8);
    rooms.builder.column = memory.take<Value>(column_values());
    rooms.builder.body = memory.take<std::byte>(settings.body_bytes_max);
    // An epoch is made while no column is being encoded.
    rooms.epoch_scratch = std::as_writable_bytes(rooms.builder.column);
    rooms.pending = memory.take<SpoolBlock>(settings.blocks_per_append);
    rooms.sealed = memory.take<std::byte>(settings.blocks_per_append *
                                          (block_header_bytes + settings.body_bytes_max));
    rooms.inbound = memory.take<std::byte>(uplink_inbound_bytes);
    rooms.frame = memory.take<std::byte>(frame_bytes(settings));
    return rooms;
}

Agent::Agent(const AgentSettings& settings, const Ports& ports, MutableBytes memory)
    : settings_{settings},
      ports_{ports},
      rooms_{deal(settings, ports.sources, memory)},
      sampler_{ports.sources, rooms_.streams},
      builder_{sampler_.streams(), rooms_.builder},
      uplink_{settings_.firmware,
              sampler_.streams(),
              {ports.spool, ports.entropy, ports.clock},
              rooms_.inbound,
              rooms_.frame} {}

MonotonicMs Agent::poll(MonotonicMs now) {
    if (!begun_) begin(now);
    wall_ = ports_.clock.read();
    bool more = drive_link(now);
    if (may_store(now)) {
        const std::uint64_t blocks_before = status_.blocks;
        if (has_pending()) note(store_pending(), now);
        more = take_samples(now) || more;
        seal_due(now);
        if (has_pending() && may_store(now)) note(store_pending(), now);
        more = more || status_.blocks != blocks_before;  // the uplink can send them
    }
    if (stopping_ && all_sampled_ && all_stored()) note_clean_end();
    return more ? now : next_deadline(now);
}

void Agent::begin(MonotonicMs now) {
    begun_ = true;
    began_at_ = now;
    sampler_.begin(now);
    uplink_.start(now);
}

MonotonicMs Agent::next_deadline(MonotonicMs now) const {
    MonotonicMs next = uplink_.deadline();
    if (!may_store(now)) return std::min(next, store_again_at_);
    if (!stopping_) next = std::min(next, sampler_.next_at());
    for (std::size_t i = 0; i < block_class_count; ++i) {
        next = std::min(next, builder_.due_at(static_cast<BlockClass>(i)));
    }
    return next;
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

// Samples and blocks.

bool Agent::may_store(MonotonicMs now) const {
    const bool room_was_made =
        status_.spool_full && uplink_.status().acked_blocks != acked_when_full_;
    return now >= store_again_at_ || room_was_made;
}

// The counter rises before the first sample is taken, so that an epoch that ends before its first
// block leaves a gap that the next record tells of.
Status Agent::begin_epoch() {
    if (epoch_.value != 0) return {};
    LH_TRY_ASSIGN(epoch_, ports_.spool.begin_epoch());
    return {};
}

// Returns whether there may be more at once.
bool Agent::take_samples(MonotonicMs now) {
    const std::size_t samples_max = samples_per_poll_max * settings_.blocks_per_append;
    for (std::size_t taken = 0; taken < samples_max; ++taken) {
        if (!may_store(now)) return false;
        // A source does not give a sample twice, so the one that it has given is stored yet.
        if (stopping_ && !sampler_.holds()) return false;
        const Sample* const sample = sampler_.current(now);
        if (sample == nullptr) return false;
        if (const Status begun = begin_epoch(); !begun.ok()) {
            note(begun, now);
            return false;
        }
        const BlockClass block_class = builder_.class_of(*sample);
        switch (builder_.fit(*sample, anchor_due() ? anchor_bytes_max : 0)) {
            case BlockBuilder::Fit::yes:
                break;
            case BlockBuilder::Fit::after_class:
                if (!seal(block_class, now)) return false;
                continue;
            case BlockBuilder::Fit::after_all:
                for (std::size_t i = 0; i < block_class_count; ++i) {
                    const auto each = static_cast<BlockClass>(i);
                    if (!builder_.empty(each) && !seal(each, now)) return false;
                }
                continue;
            case BlockBuilder::Fit::never:
                ++status_.samples_refused;
                sampler_.refuse();
                continue;
        }
        builder_.add(*sample, now, elapsed_us(now));
        sampler_.take();
        ++status_.samples;
        if (builder_.due_at(block_class) <= now && !seal(block_class, now)) return false;
    }
    return true;
}

void Agent::seal_due(MonotonicMs now) {
    // Nothing will come any more to fill a block up.
    const bool all = stopping_ || sampler_.next_at() == MonotonicMs::never();
    for (std::size_t i = 0; i < block_class_count; ++i) {
        const auto block_class = static_cast<BlockClass>(i);
        if (builder_.empty(block_class) || (!all && builder_.due_at(block_class) > now)) continue;
        if (!may_store(now) || !seal(block_class, now)) return;
    }
}

// Seals the open block; false when it is still open afterwards. What is sealed is stored at the end
// of the poll at the latest.
bool Agent::seal(BlockClass block_class, MonotonicMs now) {
    const Status status = try_seal(block_class, now);
    note(status, now);
    return status.ok();
}

Status Agent::try_seal(BlockClass block_class, MonotonicMs now) {
    if (pending_count_ == rooms_.pending.size()) LH_TRY(store_pending());
    if (!key_) {
        LH_TRY(begin_epoch());
        const Epoch epoch = std::exchange(epoch_, {});
        LH_TRY_ASSIGN(key_, make_epoch({epoch, settings_, sampler_.streams(), ports_.spool,
                                        ports_.identity, ports_.entropy, wall_},
                                       rooms_.epoch_scratch));
        epoch_ = epoch;
    }
    std::array<std::byte, anchor_bytes_max> anchor_room;
    LH_TRY_ASSIGN(const SystemEntries anchor, make_anchor(block_class, now, anchor_room));

    std::uint32_t& last_number = last_number_[static_cast<std::size_t>(block_class)];
    LH_CHECK(last_number < BlockSeq::number_max);
    const BlockName name{ports_.spool.incarnation(), epoch_,
                         BlockSeq::of(block_class, last_number + 1)};
    const MutableBytes room =
        rooms_.sealed.subspan(pending_count_ * block_bytes_max(), block_bytes_max());
    LH_TRY_ASSIGN(rooms_.pending[pending_count_], builder_.seal(name, *key_, anchor, room));
    ++pending_count_;
    ++last_number;
    if (anchor.count != 0) {
        anchored_ = true;
        anchored_synchronized_ = wall_.synchronized;
    }
    return {};
}

Status Agent::store_pending() {
    const std::span<SpoolBlock> pending = rooms_.pending.first(pending_count_);
    LH_TRY_ASSIGN(const Appended appended, ports_.spool.append(pending, uplink_.sent_marks()));
    const std::size_t count = appended.stored;
    status_.blocks += count;
    for (const SpoolBlock& block : pending.first(count)) {
        status_.sealed_bytes += block.sealed.size();
        uplink_.on_stored(block.tag.name);
    }
    // The rest keeps its places in rooms_.sealed; nothing is sealed before it is stored as well.
    std::copy(pending.begin() + static_cast<std::ptrdiff_t>(count), pending.end(), pending.begin());
    pending_count_ -= count;
    if (has_pending()) return Error{ErrorCode::full, "the spool is full"};
    for (std::size_t i = 0; i < sampler_.streams().size(); ++i) {
        if (const std::uint32_t samples = builder_.take_sealed_samples(i); samples != 0)
            sampler_.stored(i, samples);
    }
    return {};
}

void Agent::note(const Status& status, MonotonicMs now) {
    if (status.ok()) {
        status_.spool_full = false;
        status_.trouble = "";
        store_again_at_ = {};
        return;
    }
    const Error& error = status.error();
    status_.spool_full = error == ErrorCode::full;
    status_.trouble = *error.detail != '\0' ? error.detail : name_of(error.code);
    acked_when_full_ = uplink_.status().acked_blocks;
    store_again_at_ = now + store_again_ms;
}

// Anchors.

// The first block of an epoch carries one as soon as there is a date, and another one is due when
// the date has become trustworthy.
bool Agent::anchor_due() const {
    return wall_.known && (!anchored_ || (wall_.synchronized && !anchored_synchronized_));
}

Result<SystemEntries> Agent::make_anchor(BlockClass block_class, MonotonicMs now,
                                         MutableBytes room) {
    if (!anchor_due() || !builder_.has_room_for(block_class, anchor_bytes_max))
        return SystemEntries{};
    longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
    entry.which_entry = longhaul_SystemEntry_anchor_tag;
    entry.entry.anchor.elapsed_us = elapsed_us(now);
    entry.entry.anchor.wall_us = wall_.now.value;
    entry.entry.anchor.error_us = wall_.error_us + 1000;  // `now` counts milliseconds
    ByteWriter out{room};
    LH_TRY(write_system_entry(entry, out));
    return SystemEntries{1, out.written()};
}

// The end.

void Agent::stop(MonotonicMs now, bool all_sampled) {
    stopping_ = true;
    all_sampled_ = all_sampled;
    store_again_at_ = {};
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
    if (sampler_.next_at() != MonotonicMs::never() || !builder_.empty() || has_pending())
        return false;
    const Result<SpoolDepth> depth = ports_.spool.depth();
    return depth.ok() && std::all_of(depth.value().waiting.begin(), depth.value().waiting.end(),
                                     [](std::uint32_t count) { return count == 0; });
}

}  // namespace longhaul::agent
