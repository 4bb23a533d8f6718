// The end of a process that should have ended by itself. A disk or a file server that does not
// answer holds up the thread that waits for it, and nobody can take that back. Whatever lasts is on
// the disk in any moment, so what is left then is what a crash leaves.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "collector/net/clock.hpp"

namespace longhaul::collector {

class LastMoment {
 public:
    // `act` is called on a thread of its own when the time has come and this is still there.
    LastMoment(MonotonicMs at, std::function<void()> act)
        : act_{std::move(act)}, thread_{[this, at] { run(at); }} {}
    ~LastMoment() {
        {
            const std::lock_guard lock{mutex_};
            over_ = true;
            news_.notify_one();
        }
        thread_.join();
    }
    LastMoment(const LastMoment&) = delete;
    LastMoment& operator=(const LastMoment&) = delete;

 private:
    void run(MonotonicMs at) {
        std::unique_lock lock{mutex_};
        if (!news_.wait_until(lock, time_point_of(at), [this] { return over_; })) act_();
    }

    std::function<void()> act_;
    std::mutex mutex_;
    std::condition_variable news_;
    bool over_ = false;
    std::thread thread_;
};

}  // namespace longhaul::collector
