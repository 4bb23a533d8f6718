#include "agent/core/sampler.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::agent {
namespace {

// Rounded down, so that a sample from before the beginning is not one of its first tick.
std::int64_t ticks_of(std::int64_t time_us, MonotonicMs began_at, std::uint32_t tick_us) {
    const std::int64_t elapsed_us = time_us - began_at.value * 1000;
    const std::int64_t ticks = elapsed_us / tick_us;
    return elapsed_us % tick_us < 0 ? ticks - 1 : ticks;
}

}  // namespace

Sampler::Sampler(std::span<Source* const> sources, std::span<AgentStream> streams,
                 std::span<HeldSample> held)
    : sources_{sources}, streams_{streams}, held_{held} {
    LH_CHECK(streams.size() == stream_count(sources) && streams.size() <= streams_of_sources_max);
    LH_CHECK(held.size() == sources.size());
    std::size_t next = 0;
    for (const Source* const source : sources) {
        for (const StreamInfo& info : source->streams()) {
            streams_[next++] = {info, schema_hash(info.encoded_schema)};
        }
    }
}

std::size_t Sampler::stream_count(std::span<Source* const> sources) {
    std::size_t count = 0;
    for (const Source* const source : sources) count += source->streams().size();
    return count;
}

std::size_t Sampler::field_count(std::span<Source* const> sources) {
    std::size_t count = 0;
    for (const Source* const source : sources)
        for (const StreamInfo& info : source->streams()) count += info.schema->fields.size();
    return count;
}

std::size_t Sampler::class_count(std::span<Source* const> sources) {
    ClassFlags used{};
    for (const Source* const source : sources) {
        for (const StreamInfo& info : source->streams())
            used[static_cast<std::size_t>(info.block_class)] = true;
    }
    return static_cast<std::size_t>(std::count(used.begin(), used.end(), true));
}

void Sampler::ask(std::size_t source, MonotonicMs now) {
    const Sample* const given = sources_[source]->next(now);
    if (given == nullptr) return;
    HeldSample& held = held_[source];
    const std::size_t index = first_stream(source) + given->stream;
    held = {*given, true};
    held.sample.stream = static_cast<std::uint8_t>(index + 1);
    const Schema& schema = *streams_[index].info.schema;
    if (schema.time == TimeKind::device)
        held.sample.time = ticks_of(given->time, began_at_, schema.tick_us);
}

bool Sampler::may_go(const HeldSample& given, const ClassFlags& stopped) const {
    if (!given.held) return false;
    const StreamInfo& info = streams_[given.sample.stream - 1U].info;
    return !stopped[static_cast<std::size_t>(info.block_class)];
}

const Sample* Sampler::current(MonotonicMs now, const ClassFlags& stopped) {
    if (sources_.empty()) return nullptr;
    if (may_go(held_[turn_], stopped)) return &held_[turn_].sample;
    for (std::size_t asked = 0; asked < sources_.size(); ++asked) {
        turn_ = (turn_ + 1) % sources_.size();
        if (asks_ && !held_[turn_].held) ask(turn_, now);
        if (may_go(held_[turn_], stopped)) return &held_[turn_].sample;
    }
    return nullptr;
}

void Sampler::take() {
    LH_CHECK(held_[turn_].held);
    held_[turn_].held = false;
}

void Sampler::refuse() {
    take();
    const std::size_t stream = held_[turn_].sample.stream - 1U - first_stream(turn_);
    sources_[turn_]->refused(static_cast<std::uint8_t>(stream));
}

bool Sampler::holds() const {
    return std::any_of(held_.begin(), held_.end(),
                       [](const HeldSample& given) { return given.held; });
}

Sampler::Owner Sampler::owner_of(std::size_t index) const {
    std::size_t source = 0;
    while (source + 1 < sources_.size() && first_stream(source + 1) <= index) ++source;
    const std::size_t stream = index - first_stream(source);
    LH_CHECK(stream < sources_[source]->streams().size());
    return {*sources_[source], static_cast<std::uint8_t>(stream)};
}

void Sampler::stored(std::size_t index, std::uint32_t samples) {
    const Owner owner = owner_of(index);
    owner.source.stored(owner.stream, samples);
}

void Sampler::lost(std::size_t index, std::uint32_t samples) {
    const Owner owner = owner_of(index);
    owner.source.lost(owner.stream, samples);
}

bool Sampler::ended() const {
    return !holds() && std::all_of(sources_.begin(), sources_.end(), [](const Source* source) {
        return source->next_at() == MonotonicMs::never();
    });
}

MonotonicMs Sampler::next_at(const ClassFlags& stopped) const {
    MonotonicMs at = MonotonicMs::never();
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (may_go(held_[i], stopped)) return {};
        if (asks_ && !held_[i].held) at = std::min(at, sources_[i]->next_at());
    }
    return at;
}

}  // namespace longhaul::agent
