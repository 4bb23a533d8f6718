#include "collector/app/upkeep_thread.hpp"

#include <unistd.h>

#include <algorithm>

#include "collector/net/clock.hpp"

namespace longhaul::collector {
namespace {

constexpr int less_urgent = 15;  // see nice(2); handshakes come before
constexpr std::int64_t clean_up_ms = 3'600'000;

}  // namespace

UpkeepThread::UpkeepThread(ObjectStore& store, const UpkeepSettings& settings, StateTables::Ask ask,
                           Log& log)
    : log_{log},
      upkeep_{store,
              settings,
              {[this] { return stopping(); }, [this](const Upkeep::Note& note) { tell(note); }}},
      state_tables_{store, std::move(ask), [this] { return stopping(); }},
      settings_{settings},
      thread_{[this] { run(); }} {}

void UpkeepThread::set(const UpkeepSettings& settings) {
    const std::lock_guard lock{mutex_};
    settings_ = settings;
    news_.notify_one();
}

UpkeepProgress UpkeepThread::progress() const {
    const std::lock_guard lock{mutex_};
    return progress_;
}

void UpkeepThread::ask_to_stop() {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    news_.notify_one();
}

void UpkeepThread::stop() {
    ask_to_stop();
    if (thread_.joinable()) thread_.join();
}

bool UpkeepThread::stopping() const {
    const std::lock_guard lock{mutex_};
    return stopping_;
}

void UpkeepThread::run() {
    // On Linux this is about the calling thread alone.
    static_cast<void>(::nice(less_urgent) == 0);
    MonotonicMs looked = monotonic_now();
    MonotonicMs replaced = looked;
    MonotonicMs cleaned{looked.value - clean_up_ms};
    while (wait(looked, replaced)) {
        const MonotonicMs now = monotonic_now();
        if (now >= replaced + state_interval_ms()) {
            replaced = now;
            replace_state();
        }
        if (now >= looked + upkeep_interval_ms_) {
            looked = now;
            const bool clean = looked - cleaned >= clean_up_ms;
            if (clean) cleaned = looked;
            upkeep_.look_after_all(clean ? Upkeep::all_work : Upkeep::compacting, wall_now());
        }
        keep_progress();
    }
}

// Until one of both is due; false: the thread ends. The first state comes soon after the start.
bool UpkeepThread::wait(MonotonicMs looked, MonotonicMs replaced) {
    std::unique_lock lock{mutex_};
    for (;;) {
        if (stopping_) return false;
        upkeep_.set(settings_);
        upkeep_interval_ms_ = settings_.interval_ms;
        state_interval_ms_ = settings_.state_interval_ms;
        const MonotonicMs due =
            std::min(looked + upkeep_interval_ms_, replaced + state_interval_ms());
        if (monotonic_now() >= due) return true;
        news_.wait_until(lock, time_point_of(due));
    }
}

std::int64_t UpkeepThread::state_interval_ms() const {
    const bool first = !state_tables_.counts().surveyed_at;
    return first ? std::min(state_interval_ms_, upkeep_interval_ms_) : state_interval_ms_;
}

void UpkeepThread::replace_state() {
    const auto replaced = state_tables_.replace_all(wall_now());
    if (!replaced.ok() && !stopping()) log_.warn("state tables", {{"text", replaced.error().text}});
}

void UpkeepThread::keep_progress() {
    UpkeepProgress progress{upkeep_.counters(), upkeep_.tables().size(), {}, {}, {}};
    for (const auto& [folder, size] : upkeep_.tables()) {
        progress.all.files += size.files;
        progress.all.rows += size.rows;
        progress.all.bytes += size.bytes;
        progress.all.removed_files += size.removed_files;
        if (folder.find("/_") == std::string::npos && size.files != 0)
            progress.grown_ms.push_back(size.grown_ms);
    }
    progress.devices = state_tables_.counts();
    const std::lock_guard lock{mutex_};
    progress_ = progress;
}

void UpkeepThread::tell(const Upkeep::Note& note) {
    if (note.problem) return log_.warn("upkeep: " + note.text, {{"table", note.table}});
    log_.debug("upkeep: " + note.text, {{"table", note.table}});
}

}  // namespace longhaul::collector
