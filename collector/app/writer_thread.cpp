#include "collector/app/writer_thread.hpp"

#include "collector/net/clock.hpp"

namespace longhaul::collector {
namespace {

constexpr std::int64_t retry_ms_min = 1'000;
constexpr std::int64_t retry_ms_max = 60'000;

}  // namespace

std::int64_t WriterThread::Retry::next_ms() {
    ms_ = ms_ == 0 ? retry_ms_min : std::min(2 * ms_, retry_ms_max);
    return ms_;
}

WriterThread::WriterThread(Writer& writer, Releases& releases, Log& log,
                           std::function<void(Message)> on_fatal)
    : writer_{writer},
      releases_{releases},
      log_{log},
      on_fatal_{std::move(on_fatal)},
      progress_{writer.progress()},
      thread_{[this] { run(); }} {}

void WriterThread::wake() {
    const std::lock_guard lock{mutex_};
    woken_ = true;
    news_.notify_one();
}

WriterProgress WriterThread::progress() const {
    const std::lock_guard lock{mutex_};
    return progress_;
}

std::string WriterThread::trouble() const {
    const std::lock_guard lock{mutex_};
    return trouble_;
}

void WriterThread::set_limits(const WriterSettings& settings) {
    const std::lock_guard lock{mutex_};
    new_limits_ = settings;
    woken_ = true;
    news_.notify_one();
}

bool WriterThread::stop(MonotonicMs deadline) {
    {
        const std::lock_guard lock{mutex_};
        if (!stopping_) stop_deadline_ = deadline;
        stopping_ = true;
        news_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
    return writer_.drained();
}

void WriterThread::run() {
    Retry retry;
    while (begin_step()) {
        const auto next = writer_.step(monotonic_now(), wall_now());
        end_step(next.ok() ? std::string{} : next.error().text);
        if (next.ok()) {
            retry.reset();
            wait_until(std::min(next.value(), release(next.value())), true);
        } else if (writer_.fatal()) {
            on_fatal_({"the writer cannot go on: " + next.error().text});
            return;
        } else {
            const std::int64_t retry_ms = retry.next_ms();
            log_.error("the writer failed and tries again",
                       {{"text", next.error().text}, {"retry_ms", retry_ms}});
            wait_until(monotonic_now() + retry_ms, false);
        }
    }
}

// When the writer has nothing to do but to wait. What is appended here wakes it. Returns when to
// try again what failed.
MonotonicMs WriterThread::release(MonotonicMs next) {
    const MonotonicMs now = monotonic_now();
    if (next <= now || barrier_requested_) return MonotonicMs::never();  // busy or stopping
    if (now < release_at_) return release_at_;
    const Status released = releases_.step(wall_now());
    // Closed: the journal has stopped. The next start finds what is left.
    if (released.ok() || released.error() == ErrorCode::closed) {
        release_retry_.reset();
        return MonotonicMs::never();
    }
    const std::int64_t retry_ms = release_retry_.next_ms();
    log_.error("blocks could not be released from quarantine, it is tried again",
               {{"text", to_string(released.error())}, {"retry_ms", retry_ms}});
    release_at_ = now + retry_ms;
    return release_at_;
}

// False: the thread ends.
bool WriterThread::begin_step() {
    const std::lock_guard lock{mutex_};
    woken_ = false;
    if (new_limits_) {
        writer_.set_limits(new_limits_->commit_interval_ms, new_limits_->rows_max,
                           new_limits_->bytes_max);
        new_limits_.reset();
    }
    if (!stopping_) return true;
    if (!barrier_requested_) {
        writer_.request_barrier();
        barrier_requested_ = true;
        return true;
    }
    return !writer_.drained() && monotonic_now() < stop_deadline_;
}

void WriterThread::end_step(std::string trouble) {
    const std::lock_guard lock{mutex_};
    progress_ = writer_.progress();
    trouble_ = std::move(trouble);
}

// Until then, a stop or, if asked for, news. A writer that stops waits for nothing but its own
// retries.
void WriterThread::wait_until(MonotonicMs time, bool or_news) {
    std::unique_lock lock{mutex_};
    if (stopping_ && or_news) return;
    const bool was_stopping = stopping_;
    const auto ready = [&] { return (stopping_ && !was_stopping) || (or_news && woken_); };
    const MonotonicMs latest = was_stopping ? std::min(time, stop_deadline_) : time;
    if (latest == MonotonicMs::never()) {
        news_.wait(lock, ready);
    } else {
        news_.wait_until(lock, time_point_of(latest), ready);
    }
}

}  // namespace longhaul::collector
