// What each device has used in the hour that is going on, of one shard. Specification:
// docs/spec/lake.md, `_usage`.
//
// Hours are those of the journal's own times, and never go back: an hour ends with the first entry
// of a later one, in its shard. So the rows follow from the journal alone, like all others.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "collector/writer/byte_sink.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::collector {

struct Usage {
    std::uint64_t received_bytes = 0;    // of all that came and became an entry
    std::uint64_t blocks = 0;            // of them blocks, however often they came
    std::uint64_t duplicate_blocks = 0;  // of them, those that had come before
    std::uint64_t sealed_bytes = 0;      // of blocks that became rows
    std::uint64_t samples = 0;           // the rows
    std::uint64_t decoded_bytes = 0;     // of their values
    std::uint64_t connected_ms = 0;
    std::uint64_t wire_received_bytes = 0;  // through sockets, TLS included
    std::uint64_t wire_sent_bytes = 0;
    friend bool operator==(const Usage&, const Usage&) = default;
};

class UsageLedger {
 public:
    using DeviceKey = std::pair<std::string, std::string>;  // tenant, device
    using Devices = std::map<DeviceKey, Usage>;
    struct Ended {
        WallUs hour;  // when it began
        Devices devices;
    };

    // An entry of this time is next: the hour that it ends, if any device used something in it.
    std::optional<Ended> reach(WallUs received);
    Usage& of(const std::string& tenant, const std::string& device) {
        return devices_[{tenant, device}];
    }

    // For snapshots: the state is a few items, each good by itself.
    void encode(const std::function<void(const ByteSink&)>& put) const;
    // malformed: nothing that encode() writes.
    Status take(ByteReader& in);

 private:
    std::int64_t hour_ = INT64_MIN;  // since 1970; of the entry that was reached last
    Devices devices_;
};

}  // namespace longhaul::collector
