// The sampler: asks the sources in turn and gives their streams the numbers of the epoch. A sample
// whose class has stopped waits here, and its source with it, while the others go on.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "agent/core/settings.hpp"
#include "agent/port/source.hpp"
#include "common/block/model.hpp"

namespace longhaul::agent {

// The model that the collector offered last for a stream.
struct OfferedModel {
    bool made = false;
    bool unasked = false;  // nobody has looked yet whether it is there
    std::uint32_t bytes = 0;
    ModelHash model{};
};

// A stream as the epoch knows it: its index there, from 1, is its place in Sampler::streams() plus
// one.
struct AgentStream {
    StreamInfo info;
    SchemaHash schema_hash{};
    Model model{};                             // that its sections are coded with in this epoch
    std::optional<ModelHash> model_hash = {};  // none: the built-in one
    OfferedModel offer = {};                   // for a later epoch
};

using ClassFlags = std::array<bool, block_class_count>;

// What a source has given and nobody has taken yet.
struct HeldSample {
    Sample sample;  // numbered by the epoch's indexes
    bool held = false;
};

class Sampler {
 public:
    // `streams` has room for the streams of all sources, `held` is one a source; both outlive the
    // sampler.
    Sampler(std::span<Source* const> sources, std::span<AgentStream> streams,
            std::span<HeldSample> held);

    static std::size_t stream_count(std::span<Source* const> sources);
    // How many fields the schemas of all streams have.
    static std::size_t field_count(std::span<Source* const> sources);
    // How many classes the streams of the sources have.
    static std::size_t class_count(std::span<Source* const> sources);
    std::span<const AgentStream> streams() const { return streams_; }

    // The moment from which the ticks of the epoch count; before anything else.
    void begin(MonotonicMs now) { began_at_ = now; }
    // No source is asked any more; what they have given is handed out yet.
    void stop() { asks_ = false; }
    // The sample that is due, its stream numbered by the epoch's indexes and its time as the schema
    // says; the same one until take() or refuse() is called, or its class has stopped. nullptr:
    // none is due.
    const Sample* current(MonotonicMs now, const ClassFlags& stopped);
    void take();
    void refuse();  // and tells the source
    // Tell the source of the stream with this place in streams().
    void stored(std::size_t index, std::uint32_t samples);
    void lost(std::size_t index, std::uint32_t samples);
    // A source has given a sample that was not taken.
    bool holds() const;
    // When current() may have a sample.
    MonotonicMs next_at(const ClassFlags& stopped) const;
    // All sources have ended, and what they gave was taken.
    bool ended() const;

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
    void ask(std::size_t source, MonotonicMs now);
    bool may_go(const HeldSample& given, const ClassFlags& stopped) const;

    std::span<Source* const> sources_;
    std::span<AgentStream> streams_;
    std::span<HeldSample> held_;
    std::size_t turn_ = 0;  // whose sample current() gave last
    MonotonicMs began_at_;
    bool asks_ = true;
};

}  // namespace longhaul::agent
