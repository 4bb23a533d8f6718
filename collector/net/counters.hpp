// Numbers that one thread counts and every thread may read.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace longhaul::collector {

// Written by one thread, so that counting is a load and a store and never a locked instruction.
class Counter {
 public:
    Counter& operator+=(std::uint64_t count) {
        value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
        return *this;
    }
    Counter& operator++() { return *this += 1; }
    Counter& operator--() { return *this += UINT64_MAX; }  // of what comes and goes
    operator std::uint64_t() const { return value_.load(std::memory_order_relaxed); }

 private:
    std::atomic<std::uint64_t> value_{0};
};

// How often something took how long. Written by one thread.
class Durations {
 public:
    static constexpr std::array<double, 11> bounds_s{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02,
                                                     0.05,   0.1,   0.2,   1,     5};
    struct Reading {
        std::array<std::uint64_t, bounds_s.size() + 1> counts{};  // of each range, the last open
        double sum_s = 0;
    };

    void add(double seconds) {
        std::size_t range = 0;
        while (range < bounds_s.size() && seconds > bounds_s[range]) ++range;
        ++counts_[range];
        sum_s_.store(sum_s_.load(std::memory_order_relaxed) + seconds, std::memory_order_relaxed);
    }
    Reading read() const {
        Reading reading;
        for (std::size_t i = 0; i < counts_.size(); ++i) reading.counts[i] = counts_[i];
        reading.sum_s = sum_s_.load(std::memory_order_relaxed);
        return reading;
    }

 private:
    std::array<Counter, bounds_s.size() + 1> counts_;
    std::atomic<double> sum_s_{0};
};

}  // namespace longhaul::collector
