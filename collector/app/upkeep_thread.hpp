// The thread that keeps the lake in order, less urgent than all others: small merges and
// checkpoints with every look, clean-up once an hour; and replaces the state tables.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "collector/lake/upkeep.hpp"
#include "collector/net/log.hpp"
#include "collector/writer/state_tables.hpp"

namespace longhaul::collector {

struct UpkeepProgress {
    UpkeepCounters counters;
    std::uint64_t tables = 0;
    TableSize all;                       // sums; no version
    std::vector<std::int64_t> grown_ms;  // when its newest row was received, of each data table
    StateTables::Counts devices;
};

class UpkeepThread {
 public:
    // The store outlives it, and who is asked.
    UpkeepThread(ObjectStore& store, const UpkeepSettings& settings, StateTables::Ask ask,
                 Log& log);
    ~UpkeepThread() { stop(); }

    // From the next look on. Any thread.
    void set(const UpkeepSettings& settings);
    UpkeepProgress progress() const;  // any thread
    // What it is doing it gives up at the next file or row group, and leaves as it was. Any thread.
    void ask_to_stop();
    // Asks, and waits for that.
    void stop();

 private:
    void run();
    bool stopping() const;
    bool wait(MonotonicMs looked, MonotonicMs replaced);
    std::int64_t state_interval_ms() const;
    void replace_state();
    void keep_progress();
    void tell(const Upkeep::Note& note);

    Log& log_;
    Upkeep upkeep_;             // of the thread
    StateTables state_tables_;  // the same
    std::int64_t upkeep_interval_ms_ = 0;
    std::int64_t state_interval_ms_ = 0;

    mutable std::mutex mutex_;
    std::condition_variable news_;
    bool stopping_ = false;
    UpkeepSettings settings_;
    UpkeepProgress progress_;
    std::thread thread_;
};

}  // namespace longhaul::collector
