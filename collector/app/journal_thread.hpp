// The one thread that writes and syncs what is submitted to the journal, and tells sessions what
// has become durable.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "collector/net/counters.hpp"
#include "collector/net/submissions.hpp"

namespace longhaul::collector {

// So many further submissions of this submitter are durable.
struct DurableNews {
    std::shared_ptr<Submitter> submitter;
    std::uint64_t count = 0;
};

// May be read by any thread.
struct JournalCounters {
    Counter entries;
    Counter bytes;   // that became durable, headers included
    Counter groups;  // synced together
    Durations sync;  // of a group: written and synced
    std::atomic<bool> failed{false};
};

class JournalThread final : public Submissions {
 public:
    struct Callbacks {  // called on the journal's thread
        std::function<void(std::vector<DurableNews>)> on_durable;
        std::function<void(Message)> on_failure;  // once; nothing becomes durable any more
    };

    // The journal outlives it, is appended to by nobody else, and has nothing open yet.
    JournalThread(Journal& journal, Callbacks callbacks);
    ~JournalThread() { stop(); }

    bool submit(const std::shared_ptr<Submitter>& from, Shard shard,
                const JournalEntry& entry) override;
    const JournalCounters& counters() const { return counters_; }
    // Since when the oldest submission waits that is not durable yet; never: none waits. Any
    // thread.
    MonotonicMs waiting_since() const;
    // Makes what was submitted durable and ends the thread.
    void stop();

 private:
    struct Waiting {
        std::shared_ptr<Submitter> submitter;
        Offset end;
        MonotonicMs submitted;
    };

    void run();
    bool wait_until_due();
    Status sync(bool all);
    Offset durable_bytes() const;
    std::vector<Waiting> take_durable();
    void tell_durable();

    Journal& journal_;
    Callbacks callbacks_;
    JournalCounters counters_;

    mutable std::mutex mutex_;
    std::condition_variable news_;
    std::vector<std::deque<Waiting>> waiting_;  // by shard, in order
    std::optional<Error> refused_;              // by the journal
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace longhaul::collector
