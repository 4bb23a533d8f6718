#include "collector/app/writer_thread.hpp"

#include "collector/net/clock.hpp"

namespace longhaul::collector {
namespace {

constexpr std::int64_t retry_ms_min = 1'000;
constexpr std::int64_t retry_ms_max = 60'000;
constexpr std::int64_t survey_wait_ms = 3'000;  // for the writer to come to it

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
        answered_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
    return writer_.drained();
}

Result<std::optional<TenantSurvey>> WriterThread::survey(const std::string& after) {
    std::unique_lock lock{mutex_};
    survey_.reset();
    survey_wanted_ = after;
    survey_begun_ = false;
    woken_ = true;
    news_.notify_one();
    const auto over = [this] { return survey_.has_value() || ended_; };
    answered_.wait_until(lock, time_point_of(monotonic_now() + survey_wait_ms),
                         [&] { return survey_begun_ || over() || stopping_; });
    if (survey_begun_) answered_.wait(lock, over);
    survey_wanted_.reset();
    if (survey_) return *std::exchange(survey_, std::nullopt);
    return ended_ || stopping_ ? ErrorCode::closed : ErrorCode::unreachable;
}

// Without the lock: what becomes durable meanwhile is told to this thread, too.
void WriterThread::answer_survey() {
    std::optional<std::string> after;
    {
        const std::lock_guard lock{mutex_};
        after = std::exchange(survey_wanted_, std::nullopt);
        if (!after) return;
        survey_begun_ = true;
    }
    auto survey = writer_.survey(*after);
    const std::lock_guard lock{mutex_};
    survey_ = std::move(survey);
    answered_.notify_one();
}

void WriterThread::run() {
    step_on();
    const std::lock_guard lock{mutex_};
    ended_ = true;
    answered_.notify_one();
}

void WriterThread::step_on() {
    Retry retry;
    const WriterProgress begin = writer_.progress();
    const std::uint64_t behind =
        begin.bytes_at_start - std::min(begin.bytes_done, begin.bytes_at_start);
    std::optional<ReadProgress> catching_up{std::in_place, log_, "the journal becomes rows", behind,
                                            monotonic_now()};
    while (begin_step()) {
        answer_survey();
        const auto next = writer_.step(monotonic_now(), wall_now());
        end_step(next.ok() ? std::string{} : next.error().text);
        for (const std::string& note : writer_.take_notes()) log_.warn(note);
        if (catching_up) tell_catching_up(begin.bytes_done, behind, catching_up);
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

// What was in the journal at the start, until all of it is in tables.
void WriterThread::tell_catching_up(std::uint64_t begin, std::uint64_t behind,
                                    std::optional<ReadProgress>& progress) {
    const std::uint64_t done = writer_.progress().bytes_done - begin;
    if (done < behind) return progress->at(done, monotonic_now());
    progress->end(monotonic_now());
    progress.reset();
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
