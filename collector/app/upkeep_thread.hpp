// The thread that keeps the lake in order, less urgent than all others: small merges and
// checkpoints with every look, clean-up once an hour.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "collector/lake/upkeep.hpp"
#include "collector/net/log.hpp"

namespace longhaul::collector {

struct UpkeepProgress {
    UpkeepCounters counters;
    std::uint64_t tables = 0;
    TableSize all;  // sums; no version
};

class UpkeepThread {
 public:
    // The store outlives it.
    UpkeepThread(ObjectStore& store, const UpkeepSettings& settings, Log& log);
    ~UpkeepThread() { stop(); }

    // From the next look on. Any thread.
    void set(const UpkeepSettings& settings);
    UpkeepProgress progress() const;  // any thread
    // Ends the thread; what it is merging is left as it was.
    void stop();

 private:
    void run();
    bool stopping() const;
    void keep_progress();
    void tell(const Upkeep::Note& note);

    Log& log_;
    Upkeep upkeep_;  // of the thread

    mutable std::mutex mutex_;
    std::condition_variable news_;
    bool stopping_ = false;
    UpkeepSettings settings_;
    UpkeepProgress progress_;
    std::thread thread_;
};

}  // namespace longhaul::collector
