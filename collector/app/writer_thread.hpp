// The thread that steps the writer, and waits while there is nothing to do.
#pragma once

#include <spdlog/logger.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "collector/writer/writer.hpp"

namespace longhaul::collector {

class WriterThread {
 public:
    // `on_fatal` is called on the writer's thread, once, when the writer cannot go on.
    WriterThread(Writer& writer, spdlog::logger& log, std::function<void(Message)> on_fatal);
    ~WriterThread() { stop(MonotonicMs{0}); }

    // Something became durable. Any thread.
    void wake();
    // Commits what can be committed until the deadline, then ends the thread. What is left comes
    // from the journal at the next start. True: nothing was left.
    bool stop(MonotonicMs deadline);

 private:
    void run();
    bool begin_step();
    void wait_until(MonotonicMs time, bool or_news);

    Writer& writer_;
    spdlog::logger& log_;
    std::function<void(Message)> on_fatal_;

    std::mutex mutex_;
    std::condition_variable news_;
    bool woken_ = false;
    bool stopping_ = false;
    bool barrier_requested_ = false;
    MonotonicMs stop_deadline_;
    std::thread thread_;
};

}  // namespace longhaul::collector
