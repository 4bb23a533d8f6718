// Facts on their way from the collector's threads to its audit trails: bounded, so that whoever is
// refused again and again cannot fill the disk.
//
// Of each kind (trail, what and the reason) a burst may pass, then one a minute. Those that are
// left out are counted, and the count gets a line when the kind may have one again.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "collector/registry/audit_trail.hpp"

namespace longhaul::collector {

class TrailNotes {
 public:
    static constexpr std::int64_t burst = 20;
    static constexpr std::int64_t ms_per_line = 60'000;
    static constexpr std::size_t kinds_max = 10'000;

    // `reason`: a word; it stands before the fact's sentence. Any thread.
    void add(TrailFact fact, const std::string& reason, MonotonicMs now);
    // Of what cannot be without end.
    void add_always(TrailFact fact);
    // What may be written now. At the end, `all`: also the counts that would have to wait.
    std::vector<TrailFact> take(WallUs time, MonotonicMs now, bool all = false);

 private:
    using Kind = std::tuple<std::string, std::string, std::string>;
    struct Allowance {
        std::int64_t lines = burst;
        MonotonicMs counted_at;
        std::uint64_t left_out = 0;

        void refill(MonotonicMs now);
    };

    std::mutex mutex_;
    std::map<Kind, Allowance> kinds_;
    std::vector<TrailFact> facts_;
};

}  // namespace longhaul::collector
