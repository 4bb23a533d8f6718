// Port: where samples come from. A recording, a receiver, a sensor, a program.
#pragma once

#include <span>
#include <string_view>

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/block/schema.hpp"
#include "common/block/value.hpp"

namespace longhaul::agent {

// One stream of a source. Everything in it outlives the agent.
struct StreamInfo {
    std::string_view name;
    const Schema* schema = nullptr;
    Bytes encoded_schema;  // canonical encoding of *schema
    BlockClass block_class = BlockClass::normal;
};

// next_at() of a source that waits for something to happen and has not ended: whoever watches its
// descriptor or gave it a sample has the agent polled.
inline constexpr MonotonicMs until_woken{INT64_MAX - 1};

// The core relies on: streams() never changes; no call blocks; a sample that next() has given is
// not given again. The core takes it, and in time says what became of it: stored(), lost() or
// refused(). While there is no room for the class of a sample that a source has given, that source
// is asked for no more: streams that may not wait for each other belong to different sources.
class Source {
 public:
    virtual std::span<const StreamInfo> streams() const = 0;
    // The sample that is due at `now`, or nullptr. `stream` in it counts this source's streams from
    // 0; it stays valid until the next call. Where the schema has device time, `time` is in
    // microseconds of the clock that `now` counts; the core makes ticks of the epoch of it.
    virtual const Sample* next(MonotonicMs now) = 0;
    // When next() may have a sample; never() when the source has ended.
    virtual MonotonicMs next_at() const = 0;
    // The next `samples` of the stream, in the order given and without those refused, are in the
    // spool: a power cut does not take them any more.
    virtual void stored(std::uint8_t /*stream*/, std::uint32_t /*samples*/) {}
    // The next `samples` of the stream, counted as above, were dropped, because there is no room
    // for their block, and are listed as lost.
    virtual void lost(std::uint8_t /*stream*/, std::uint32_t /*samples*/) {}
    // The sample that was given last is larger than any block: nobody keeps it.
    virtual void refused(std::uint8_t /*stream*/) {}

 protected:
    ~Source() = default;
};

}  // namespace longhaul::agent
