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

Sampler::Sampler(std::span<Source* const> sources, std::span<AgentStream> streams)
    : sources_{sources}, streams_{streams} {
    LH_CHECK(streams.size() == stream_count(sources) && streams.size() <= streams_of_sources_max);
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

const Sample* Sampler::current(MonotonicMs now) {
    for (std::size_t asked = 0; !holds_ && asked < sources_.size(); ++asked) {
        turn_ = (turn_ + 1) % sources_.size();
        const Sample* const sample = sources_[turn_]->next(now);
        if (sample == nullptr) continue;
        const std::size_t index = first_stream(turn_) + sample->stream;
        sample_ = *sample;
        sample_.stream = static_cast<std::uint8_t>(index + 1);
        const Schema& schema = *streams_[index].info.schema;
        if (schema.time == TimeKind::device)
            sample_.time = ticks_of(sample->time, began_at_, schema.tick_us);
        holds_ = true;
    }
    return holds_ ? &sample_ : nullptr;
}

void Sampler::take() {
    LH_CHECK(holds_);
    holds_ = false;
}

void Sampler::refuse() {
    take();
    const std::size_t stream = sample_.stream - 1U - first_stream(turn_);
    sources_[turn_]->refused(static_cast<std::uint8_t>(stream));
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

MonotonicMs Sampler::next_at() const {
    MonotonicMs at = MonotonicMs::never();
    if (holds_) return {};
    for (const Source* const source : sources_) at = std::min(at, source->next_at());
    return at;
}

}  // namespace longhaul::agent
