#include "agent/core/sampler.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::agent {

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
        const std::size_t streams_before = stream_count(sources_.first(turn_));
        sample_ = *sample;
        sample_.stream = static_cast<std::uint8_t>(streams_before + sample->stream + 1);
        holds_ = true;
    }
    return holds_ ? &sample_ : nullptr;
}

void Sampler::take() {
    LH_CHECK(holds_);
    holds_ = false;
}

MonotonicMs Sampler::next_at() const {
    MonotonicMs at = MonotonicMs::never();
    if (holds_) return {};
    for (const Source* const source : sources_) at = std::min(at, source->next_at());
    return at;
}

}  // namespace longhaul::agent
