// The thread that steps the writer, and waits while there is nothing to do.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "collector/app/read_progress.hpp"
#include "collector/net/log.hpp"
#include "collector/writer/releases.hpp"

namespace longhaul::collector {

class WriterThread {
 public:
    // `on_fatal` is called on the writer's thread, once, when the writer cannot go on.
    // What `releases` appends is the writer's next.
    WriterThread(Writer& writer, Releases& releases, Log& log,
                 std::function<void(Message)> on_fatal);
    ~WriterThread() { stop(MonotonicMs{0}); }

    // Something became durable. Any thread.
    void wake();
    // How far it was after its last step; why that failed, empty if it did not. Any thread.
    WriterProgress progress() const;
    std::string trouble() const;
    // What the writer knows of the devices of the first tenant behind that name, between two steps;
    // nothing: there is none. Error unreachable: it is busy with something else, closed: it has
    // ended. One thread at a time, not the writer's.
    Result<std::optional<TenantSurvey>> survey(const std::string& after);
    // From the next step on. Any thread.
    void set_limits(const WriterSettings& settings);
    // Commits what can be committed until the deadline, then ends the thread. What is left comes
    // from the journal at the next start. True: nothing was left.
    bool stop(MonotonicMs deadline);

 private:
    // 1 s, doubling to 60 s.
    class Retry {
     public:
        std::int64_t next_ms();
        void reset() { ms_ = 0; }

     private:
        std::int64_t ms_ = 0;
    };

    void run();
    void step_on();
    MonotonicMs release(MonotonicMs next);
    bool begin_step();
    void answer_survey();
    void tell_catching_up(std::uint64_t begin, std::uint64_t behind,
                          std::optional<ReadProgress>& progress);
    void end_step(std::string trouble);
    void wait_until(MonotonicMs time, bool or_news);

    Writer& writer_;
    Releases& releases_;
    Log& log_;
    std::function<void(Message)> on_fatal_;
    Retry release_retry_;
    MonotonicMs release_at_;  // not before

    mutable std::mutex mutex_;
    std::condition_variable news_;
    bool woken_ = false;
    bool stopping_ = false;
    bool barrier_requested_ = false;
    WriterProgress progress_;
    std::string trouble_;
    std::optional<WriterSettings> new_limits_;
    std::optional<std::string> survey_wanted_;
    bool survey_begun_ = false;
    std::optional<std::optional<TenantSurvey>> survey_;  // the answer
    bool ended_ = false;
    std::condition_variable answered_;
    MonotonicMs stop_deadline_;
    std::thread thread_;
};

}  // namespace longhaul::collector
