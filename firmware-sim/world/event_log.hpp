// What happened in a run: a hash over everything, and the lines of one device if somebody wants to
// read them. Two runs of one seed have the same hash.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/base/time.hpp"

namespace longhaul::sim {

enum class Happening : std::uint8_t {
    boot,            // flash: epoch of the newest block
    boot_failed,     // error code
    power_cut,       // step of the flash that it fell into; 0: between two
    restart,         // the program alone
    bad_sector,      // sector, fault
    clock_jump,      // seconds
    link_opening,    // connection, when it will be open
    link_closed,     // connection, 1: by the device
    half_open,       // connection
    sent,            // connection, bytes
    delivered,       // connection, bytes
    blocks_stored,   // since boot
    blocks_acked,    // since boot
    collector_up,    // journal's durable end
    collector_down,  // 0 killed, 1 its disk failed, 2 power
    sync_failed,
    disk_full,      // 1 from here, 0 until here
    durable,        // durable end
    committed,      // commits since it came up
    snapshot,       // snapshots since it came up
    snapshot_rots,  // its number
    refused,        // connection: the session ended
    drained,
    violation,
    unanswered,  // a call to the lake's store
    name_taken,  // version: another program's commit was first
    clone_told,  // device
    rollback,    // of a device's flash
    gateway_up,  // its number
    gateway_down,
};
const char* name_of(Happening happening);

class EventLog {
 public:
    static constexpr std::uint32_t collector = UINT32_MAX;
    using TakeLine = std::function<void(const std::string&)>;

    // Lines of this device, and of the collector, go to `take`.
    void follow(std::uint32_t device, TakeLine take) {
        followed_ = device;
        take_ = std::move(take);
    }
    void add(MonotonicMs now, std::uint32_t who, Happening what, std::int64_t a = 0,
             std::int64_t b = 0) {
        mix(static_cast<std::uint64_t>(now.value));
        mix(std::uint64_t{who} << 8 | static_cast<std::uint64_t>(what));
        mix(static_cast<std::uint64_t>(a));
        mix(static_cast<std::uint64_t>(b));
        ++events_;
        if (take_ && (who == followed_ || who == collector)) take_(line(now, who, what, a, b));
    }
    std::uint64_t hash() const { return hash_; }
    std::uint64_t events() const { return events_; }

 private:
    void mix(std::uint64_t value) {
        hash_ = (hash_ ^ value) * 0x9e37'79b9'7f4a'7c15;
        hash_ ^= hash_ >> 29;
    }
    static std::string line(MonotonicMs now, std::uint32_t who, Happening what, std::int64_t a,
                            std::int64_t b);

    std::uint64_t hash_ = 0x4c48'5349;
    std::uint64_t events_ = 0;
    std::uint32_t followed_ = 0;
    TakeLine take_;
};

}  // namespace longhaul::sim
