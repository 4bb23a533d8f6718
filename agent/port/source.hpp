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

// The core relies on: streams() never changes; no call blocks; a sample that next() has given is
// not given again, and the core takes it, so a source is only asked when there is room for its
// sample.
class Source {
 public:
    virtual std::span<const StreamInfo> streams() const = 0;
    // The sample that is due at `now`, or nullptr. `stream` in it counts this source's streams from
    // 0; it stays valid until the next call.
    virtual const Sample* next(MonotonicMs now) = 0;
    // When next() may have a sample; never() when the source has ended.
    virtual MonotonicMs next_at() const = 0;

 protected:
    ~Source() = default;
};

}  // namespace longhaul::agent
