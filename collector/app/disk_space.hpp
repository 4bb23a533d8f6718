// How much room a folder's file system has, and when it will be full if it goes on like this.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "common/base/time.hpp"

namespace longhaul::collector {

struct DiskSpace {
    std::uint64_t free_bytes = 0;  // that this process may use; 0 when it can hardly make a file
    std::uint64_t size_bytes = 0;
};
std::optional<DiskSpace> disk_space(const std::string& folder);

// Looks at how the free room shrank over the last day, or since the program began.
class DiskForecast {
 public:
    static constexpr std::int64_t sample_ms = 5 * 60'000;
    static constexpr std::size_t samples_max = 24 * 12;
    static constexpr std::int64_t span_ms_min = 60'000;  // a shorter time says nothing

    void add(MonotonicMs now, std::uint64_t free_bytes);
    // Seconds until nothing is left; absent when it does not shrink, or too little time went by.
    std::optional<std::int64_t> full_in_s() const;

 private:
    struct Sample {
        MonotonicMs time;
        std::uint64_t free_bytes;
    };
    std::deque<Sample> samples_;
    Sample now_{};
};

}  // namespace longhaul::collector
