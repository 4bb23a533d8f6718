// A world: a scenario with a seed, run to its end and judged.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/zstd/zstd_compression.hpp"
#include "firmware-sim/world/oracle.hpp"
#include "firmware-sim/world/scenario.hpp"

namespace longhaul::sim {

struct Report {
    std::uint64_t seed = 0;
    Verdict verdict;
    DeviceCounts devices;  // all of them together; mount_ms_max is the longest
    CollectorCounts collector;
    DiskCounts disk;
    StoreCounts store;
    NetworkCounts network;
    std::size_t device_count = 0;
    std::int64_t simulated_ms = 0;
    std::int64_t drained_after_ms = -1;  // after the sources ended; -1: never
    std::uint64_t link_bytes = 0;
    std::uint64_t events = 0;
    std::uint64_t log_hash = 0;
    std::uint64_t checks = 0;  // of the oracle, before the end

    bool holds() const { return verdict.violation_count == 0; }
};

class World {
 public:
    // How far it is.
    struct Progress {
        enum class Stage : std::uint8_t { runs, drains, judges };
        Stage stage;
        std::int64_t done_s;  // simulated seconds of this stage
        std::int64_t of_s;    // of so many, when draining at most
    };
    using TellProgress = std::function<void(const Progress&)>;

    static Result<std::unique_ptr<World>, Message> make(const Scenario& scenario,
                                                        std::uint64_t seed);
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // The log's lines of the device of this name. Error: there is no such device.
    Result<void, Message> follow(const std::string& device, EventLog::TakeLine take);
    Report run(const TellProgress& tell);

 private:
    World(const Scenario& scenario, std::uint64_t seed);
    Result<void, Message> make_fleets();
    void make_device(const FleetPlan& fleet, std::int64_t at,
                     const std::vector<const StreamPlan*>& plans);
    std::uint32_t add_port(const FleetPlan& fleet, const std::string& name);
    void run_until(MonotonicMs end, const TellProgress& tell);
    void run_and_check(MonotonicMs end, const TellProgress& tell);
    bool drain(MonotonicMs end, const TellProgress& tell);
    std::string who_has_not_drained() const;
    void expect(Report& report) const;
    Report report() const;

    Scenario scenario_;
    std::uint64_t seed_;
    MonotonicMs healed_at_;
    MonotonicMs ends_at_;
    EventLog log_;
    Scheduler scheduler_;
    Authority authority_;
    Network network_;
    Codec2Encoder range_;
    ZstdCompression zstd_;
    std::vector<std::byte> plain_;
    std::vector<std::unique_ptr<StreamPlan>> plans_;
    std::vector<std::unique_ptr<Device>> devices_;
    std::vector<std::string> found_midway_;
    std::uint64_t checks_ = 0;
    std::unique_ptr<WorldCollector> collector_;
};

}  // namespace longhaul::sim
