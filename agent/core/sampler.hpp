// The sampler: asks the sources in turn and gives their streams the numbers of the epoch.
#pragma once

#include <span>

#include "agent/core/settings.hpp"
#include "agent/port/source.hpp"

namespace longhaul::agent {

// A stream as the epoch knows it: its index there, from 1, is its place in Sampler::streams() plus
// one.
struct AgentStream {
    StreamInfo info;
    SchemaHash schema_hash{};
};

class Sampler {
 public:
    // `streams` has room for the streams of all sources and outlives the sampler.
    Sampler(std::span<Source* const> sources, std::span<AgentStream> streams);

    static std::size_t stream_count(std::span<Source* const> sources);
    std::span<const AgentStream> streams() const { return streams_; }

    // The moment from which the ticks of the epoch count; before anything else.
    void begin(MonotonicMs now) { began_at_ = now; }
    // The sample that is due, its stream numbered by the epoch's indexes and its time as the schema
    // says; the same one until take() or refuse() is called. nullptr: none is due.
    const Sample* current(MonotonicMs now);
    void take();
    void refuse();  // and tells the source
    // Tell the source of the stream with this place in streams().
    void stored(std::size_t index, std::uint32_t samples);
    void lost(std::size_t index, std::uint32_t samples);
    // A source has given a sample that was not taken.
    bool holds() const { return holds_; }
    // When current() may have a sample; never() when all sources have ended.
    MonotonicMs next_at() const;

 private:
    // Streams of the sources before this one.
    std::size_t first_stream(std::size_t source) const {
        return stream_count(sources_.first(source));
    }

    struct Owner {
        Source& source;
        std::uint8_t stream;  // of the source
    };
    Owner owner_of(std::size_t index) const;

    std::span<Source* const> sources_;
    std::span<AgentStream> streams_;
    std::size_t turn_ = 0;
    MonotonicMs began_at_;
    Sample sample_;
    bool holds_ = false;
};

}  // namespace longhaul::agent
