// What an agent does with samples: takes, stages, seals and stores them.
#include <algorithm>
#include <utility>

#include "agent/core/agent.hpp"
#include "agent/core/system_notes.hpp"
#include "common/base/check.hpp"

namespace longhaul::agent {
namespace {

constexpr std::int64_t store_again_ms = 1000;
constexpr std::int64_t tell_again_ms = 10'000;
constexpr std::int64_t anchor_again_ms = 3'600'000;

const char* text_of(const Error& error) {
    return *error.detail != '\0' ? error.detail : name_of(error.code);
}

}  // namespace

bool Agent::may_store(MonotonicMs now) const {
    const bool room_was_made = all_full_ && uplink_.status().acked_blocks != acked_when_full_;
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
        const Sample* const sample = sampler_.current(now, stopped_);
        if (sample == nullptr) return false;
        if (const Status begun = begin_epoch(); !begun.ok()) {
            note(begun, now);
            return false;
        }
        const BlockClass block_class = builder_.class_of(*sample);
        switch (builder_.fit(*sample,
                             anchor_due(block_class, now) ? SystemNotes::anchor_bytes_max : 0)) {
            case BlockBuilder::Fit::yes:
                break;
            case BlockBuilder::Fit::after_class:
                if (!seal(block_class, now)) return false;
                continue;
            case BlockBuilder::Fit::never:
                ++status_.samples_refused;
                sampler_.refuse();
                continue;
        }
        builder_.add(*sample, now, elapsed_us(now));
        sampler_.take();
        ++status_.samples;
        if (is_due(block_class, now) && !seal(block_class, now)) return false;
    }
    return true;
}

void Agent::seal_due(MonotonicMs now) {
    // Nothing will come any more to fill a block up.
    const bool all = stopping_ || sampler_.ended();
    for (std::size_t i = 0; i < block_class_count; ++i) {
        const auto block_class = static_cast<BlockClass>(i);
        if (has_stopped(block_class) || builder_.empty(block_class)) continue;
        if (!all && !is_due(block_class, now)) continue;
        if (!may_store(now) || !seal(block_class, now)) return;
    }
}

// What is due by its deadline alone waits for the write budget.
bool Agent::is_due(BlockClass block_class, MonotonicMs now) {
    if (builder_.due_at(block_class) > now) return false;
    if (!budget_.limits() || builder_.cannot_wait(block_class)) return true;
    budget_.account(now, ports_.spool.wear().bytes_written);
    return !budget_.overdrawn();
}

MonotonicMs Agent::due_at(BlockClass block_class) const {
    const MonotonicMs at = builder_.due_at(block_class);
    const bool waits = budget_.overdrawn() && !builder_.cannot_wait(block_class);
    return waits ? std::max(at, budget_.allowed_at()) : at;
}

// Seals the open block, unless its class has stopped; false when that, or storing what was sealed,
// did not succeed. What is sealed is stored at the end of the poll at the latest.
bool Agent::seal(BlockClass block_class, MonotonicMs now) {
    const Status status = try_seal(block_class, now, false);
    note(status, now);
    return status.ok();
}

Status Agent::try_seal(BlockClass block_class, MonotonicMs now, bool tells_losses) {
    // A block that may be dropped is stored alone, so that its sources can be told exactly.
    const WhenFull when_full =
        ports_.spool.policy().classes[static_cast<std::size_t>(block_class)].when_full;
    const bool alone = tells_losses || when_full == WhenFull::drop_newest;
    if (alone || pending_count_ >= settings_.blocks_per_append) LH_TRY(store_pending(now));
    if (has_stopped(block_class)) return {};
    LH_TRY(make_key());
    LH_TRY(seal_open(block_class, now, tells_losses));
    return alone ? store_pending(now) : Status{};
}

// Not in the frame of who makes the key: both need much of a small stack.
[[gnu::noinline]] Status Agent::seal_open(BlockClass block_class, MonotonicMs now,
                                          bool tells_losses) {
    std::array<std::byte, SystemNotes::bytes_max> notes_room;
    SystemNotes notes{MutableBytes{notes_room}.first(
        std::min(notes_room.size(), builder_.system_room(block_class)))};
    const bool anchor = (anchor_due(block_class, now) || (tells_losses && wall_.known)) &&
                        notes.add_anchor(elapsed_us(now), wall_);
    const std::size_t losses = tells_losses ? notes.add_losses(ports_.spool.losses().to_tell()) : 0;

    std::uint32_t& last_number = last_number_[static_cast<std::size_t>(block_class)];
    LH_CHECK(last_number < BlockSeq::number_max);
    const BlockName name{ports_.spool.incarnation(), epoch_,
                         BlockSeq::of(block_class, last_number + 1)};
    LH_TRY_ASSIGN(SpoolBlock sealed, builder_.seal(name, *key_, notes.entries(), room_to_seal()));
    sealed.tag.losses = static_cast<std::uint16_t>(losses);
    if (sealed.tag.samples == 0) sealed.tag.first_us = sealed.tag.last_us = elapsed_us(now);
    rooms_.pending[pending_count_++] = sealed;
    ++last_number;
    if (anchor)
        anchor_of(block_class) = {now, name.seq, wall_.synchronized, uplink_.status().sessions};
    return {};
}

Status Agent::make_key() {
    if (key_) return {};
    LH_TRY(begin_epoch());
    const Epoch epoch = std::exchange(epoch_, {});
    models_.choose();
    LH_TRY_ASSIGN(key_, make_epoch({epoch, settings_, rooms_.streams, ports_.spool, ports_.identity,
                                    ports_.entropy, wall_},
                                   rooms_.epoch));
    epoch_ = epoch;
    return {};
}

// A room that no pending block lies in.
MutableBytes Agent::room_to_seal() {
    LH_CHECK(pending_count_ < rooms_.pending.size());
    const std::span<const SpoolBlock> pending = rooms_.pending.first(pending_count_);
    MutableBytes rooms = rooms_.sealed;
    while (std::any_of(pending.begin(), pending.end(), [rooms](const SpoolBlock& block) {
        return block.sealed.data() == rooms.data();
    }))
        rooms = rooms.subspan(block_bytes_max());
    return rooms.first(block_bytes_max());
}

// The first pending blocks in a row whose classes have not stopped.
std::span<SpoolBlock> Agent::next_to_store() {
    const auto waits = [this](const SpoolBlock& block) {
        return has_stopped(block.tag.name.seq.block_class());
    };
    const std::span<SpoolBlock> pending = rooms_.pending.first(pending_count_);
    const auto first = std::find_if_not(pending.begin(), pending.end(), waits);
    return {first, std::find_if(first, pending.end(), waits)};
}

// Every round stores a block, drops one or stops a class.
Status Agent::store_pending(MonotonicMs now) {
    for (std::span<SpoolBlock> next = next_to_store(); !next.empty(); next = next_to_store()) {
        const Result<Appended> appended = ports_.spool.append(next, uplink_.sent_marks());
        if (appended.ok()) {
            settle(next, appended.value());
            continue;
        }
        // The account may change before they are stored, so that they tell of none of it; what a
        // block says already is said once more.
        for (SpoolBlock& block : next) block.tag.losses = 0;
        if (appended.error() != ErrorCode::full) return appended.error();
        stop_class(next.front().tag.name.seq.block_class(), appended.error(), now);
    }
    for (std::size_t i = 0; i < sampler_.streams().size(); ++i) {
        if (has_stopped(sampler_.streams()[i].info.block_class)) continue;
        if (const std::uint32_t samples = builder_.take_sealed_samples(i); samples != 0)
            sampler_.stored(i, samples);
    }
    return {};
}

// `tried` are pending blocks; those that stay keep their places in rooms_.sealed.
void Agent::settle(std::span<SpoolBlock> tried, const Appended& appended) {
    for (const SpoolBlock& block : tried.first(appended.stored)) {
        ++status_.blocks;
        status_.sealed_bytes += block.sealed.size();
        uplink_.on_stored(block.tag.name);
    }
    if (appended.next_dropped) note_dropped(tried[appended.stored].tag);
    const std::size_t gone = appended.stored + (appended.next_dropped ? 1 : 0);
    LH_CHECK(gone != 0 && gone <= tried.size());
    std::copy(tried.data() + gone, rooms_.pending.data() + pending_count_, tried.data());
    pending_count_ -= gone;
}

// It was stored alone, so what is sealed and not stored of its class was in it.
void Agent::note_dropped(const SpoolTag& tag) {
    status_.samples_lost += tag.samples;
    std::optional<Anchored>& anchor = anchor_of(tag.name.seq.block_class());
    if (anchor && anchor->seq == tag.name.seq) anchor.reset();
    for (std::size_t i = 0; i < sampler_.streams().size(); ++i) {
        if (sampler_.streams()[i].info.block_class != tag.name.seq.block_class()) continue;
        if (const std::uint32_t samples = builder_.take_sealed_samples(i); samples != 0)
            sampler_.lost(i, samples);
    }
}

// There is no room for the next block of the class: it waits, and what comes after it. Samples of
// the class that are staged stay so.
void Agent::stop_class(BlockClass block_class, const Error& error, MonotonicMs now) {
    const auto index = static_cast<std::size_t>(block_class);
    stopped_[index] = true;
    status_.class_trouble[index] = text_of(error);
    try_again_[index] = {now + store_again_ms, uplink_.status().acked_blocks};
}

void Agent::try_stopped_again(MonotonicMs now) {
    for (std::size_t i = 0; i < block_class_count; ++i) {
        const bool room_was_made = uplink_.status().acked_blocks != try_again_[i].acked_blocks;
        if (!stopped_[i] || (now < try_again_[i].at && !room_was_made)) continue;
        stopped_[i] = false;  // until its first block is refused again
        status_.class_trouble[i] = "";
    }
}

// What is not of one class.
void Agent::note(const Status& status, MonotonicMs now) {
    all_full_ = !status.ok() && status.error() == ErrorCode::full;
    status_.trouble = status.ok() ? "" : text_of(status.error());
    acked_when_full_ = uplink_.status().acked_blocks;
    store_again_at_ = status.ok() ? MonotonicMs{} : now + store_again_ms;
}

// The first block of a class in an epoch carries an anchor as soon as there is a date, and the
// first one in a session, because it may arrive before the others; then when the date has become
// trustworthy, and now and then, for blocks may be lost and clocks drift.
bool Agent::anchor_due(BlockClass block_class, MonotonicMs now) {
    if (!wall_.known) return false;
    const std::optional<Anchored>& last = anchor_of(block_class);
    return !last || (wall_.synchronized && !last->synchronized) ||
           last->session != uplink_.status().sessions || now - last->at >= anchor_again_ms;
}

// The account of losses.

bool Agent::has_to_tell() const {
    return uplink_.status().connected && !stopping_ && !ports_.spool.losses().to_tell().empty();
}

// A block of class 0 that is stored in the moment in which it is sealed, so that the account is
// still as it says. One at a time: to_tell() is empty until it is durable.
void Agent::tell_losses(MonotonicMs now) {
    if (!has_to_tell() || now < tell_at_ || !may_store(now)) return;
    if (has_stopped(BlockClass::alarm)) return;
    note(try_seal(BlockClass::alarm, now, true), now);
    // It was dropped, or could not be stored: not all the time.
    if (has_to_tell()) tell_at_ = now + tell_again_ms;
}

}  // namespace longhaul::agent
