// The one thread that appends to the journal and syncs it, and tells sessions what has become
// durable.
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

    // The journal outlives it and is appended to by nobody else.
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
    struct Item {
        std::shared_ptr<Submitter> submitter;
        Shard shard;
        JournalKind kind;
        MonotonicMs submitted;
        WallUs receive_time;
        std::string tenant;
        std::string device;
        std::vector<std::byte> body;
    };
    struct Waiting {
        std::shared_ptr<Submitter> submitter;
        Offset end;
        MonotonicMs submitted;
    };

    void run();
    bool take(std::vector<Item>& items, MonotonicMs until);
    Status append(const std::vector<Item>& items);
    Result<MonotonicMs> sync(bool all);
    Offset durable_bytes() const;
    void note_oldest(const std::vector<Item>& items);
    void tell_durable();

    Journal& journal_;
    Callbacks callbacks_;
    JournalCounters counters_;
    std::vector<std::deque<Waiting>> waiting_;  // by shard; of the journal's thread

    mutable std::mutex mutex_;
    std::condition_variable news_;
    std::vector<Item> items_;
    MonotonicMs oldest_taken_ = MonotonicMs::never();  // of what is no longer in items_
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace longhaul::collector
