#include "collector/app/upkeep_thread.hpp"

#include <unistd.h>

#include <algorithm>

#include "collector/net/clock.hpp"

namespace longhaul::collector {
namespace {

constexpr int less_urgent = 15;  // see nice(2); handshakes come before
constexpr std::int64_t clean_up_ms = 3'600'000;

}  // namespace

UpkeepThread::UpkeepThread(ObjectStore& store, const UpkeepSettings& settings, Log& log)
    : log_{log},
      upkeep_{store,
              settings,
              {[this] { return stopping(); }, [this](const Upkeep::Note& note) { tell(note); }}},
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

void UpkeepThread::stop() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        news_.notify_one();
    }
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
    MonotonicMs cleaned{looked.value - clean_up_ms};
    for (;;) {
        {
            std::unique_lock lock{mutex_};
            const auto due = [&] {
                return stopping_ || monotonic_now() >= looked + settings_.interval_ms;
            };
            while (!due()) news_.wait_until(lock, time_point_of(looked + settings_.interval_ms));
            if (stopping_) return;
            upkeep_.set(settings_);
        }
        looked = monotonic_now();
        const bool clean = looked - cleaned >= clean_up_ms;
        if (clean) cleaned = looked;
        upkeep_.look_after_all(clean ? Upkeep::all_work : Upkeep::compacting, wall_now());
        keep_progress();
    }
}

void UpkeepThread::keep_progress() {
    UpkeepProgress progress{upkeep_.counters(), upkeep_.tables().size(), {}};
    for (const auto& [folder, size] : upkeep_.tables()) {
        progress.all.files += size.files;
        progress.all.rows += size.rows;
        progress.all.bytes += size.bytes;
        progress.all.removed_files += size.removed_files;
    }
    const std::lock_guard lock{mutex_};
    progress_ = progress;
}

void UpkeepThread::tell(const Upkeep::Note& note) {
    if (note.problem) return log_.warn("upkeep: " + note.text, {{"table", note.table}});
    log_.debug("upkeep: " + note.text, {{"table", note.table}});
}

}  // namespace longhaul::collector
