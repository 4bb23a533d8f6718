#include "collector/app/journal_thread.hpp"

#include <algorithm>
#include <unordered_map>

#include "collector/net/clock.hpp"

namespace longhaul::collector {

JournalThread::JournalThread(Journal& journal, Callbacks callbacks)
    : journal_{journal},
      callbacks_{std::move(callbacks)},
      waiting_(journal.shards()),
      thread_{[this] { run(); }} {}

// Into the open group at once: of a block that came whole the only copy between what TLS has opened
// and the disk.
bool JournalThread::submit(const std::shared_ptr<Submitter>& from, Shard shard,
                           const JournalEntry& entry) {
    const MonotonicMs now = monotonic_now();
    const std::lock_guard lock{mutex_};
    if (stopping_ || counters_.failed) return false;
    const MonotonicMs due_before = journal_.due();
    const auto end = journal_.append(shard, entry, now);
    if (!end.ok()) {
        // Whatever came behind it would be taken for it by those who count what is durable.
        counters_.failed = true;
        refused_ = end.error();
        news_.notify_one();
        return false;
    }
    waiting_[shard].push_back({from, end.value(), now});
    ++counters_.entries;
    if (journal_.due() < due_before) news_.notify_one();
    return true;
}

void JournalThread::stop() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        news_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void JournalThread::run() {
    Status done;
    while (done.ok() && wait_until_due()) done = sync(false);
    if (done.ok()) done = sync(true);
    {
        const std::lock_guard lock{mutex_};
        if (done.ok() && refused_) done = *refused_;
        counters_.failed = !done.ok();
    }
    if (!done.ok())
        callbacks_.on_failure(
            {"the journal failed and takes nothing more: " + to_string(done.error())});
}

// False: nothing more comes.
bool JournalThread::wait_until_due() {
    std::unique_lock lock{mutex_};
    while (!stopping_ && !refused_) {
        const MonotonicMs due = journal_.due();
        if (due == MonotonicMs::never()) {
            news_.wait(lock);
        } else if (monotonic_now() < due) {
            news_.wait_until(lock, time_point_of(due));
        } else {
            break;
        }
    }
    return !stopping_ && !refused_;
}

// What is due, or everything; tells what it made durable.
Status JournalThread::sync(bool all) {
    using Clock = std::chrono::steady_clock;
    const Offset before = durable_bytes();
    const Clock::time_point begin = Clock::now();
    LH_TRY(all ? journal_.flush() : journal_.step(monotonic_now()));
    if (const Offset added = durable_bytes() - before; added != 0) {
        counters_.sync.add(std::chrono::duration<double>(Clock::now() - begin).count());
        ++counters_.groups;
        counters_.bytes += added;
        tell_durable();
    }
    return {};
}

Offset JournalThread::durable_bytes() const {
    Offset bytes = 0;
    for (Shard shard = 0; shard < waiting_.size(); ++shard) bytes += journal_.durable_end(shard);
    return bytes;
}

MonotonicMs JournalThread::waiting_since() const {
    const std::lock_guard lock{mutex_};
    MonotonicMs oldest = MonotonicMs::never();
    for (const auto& waiting : waiting_)
        if (!waiting.empty()) oldest = std::min(oldest, waiting.front().submitted);
    return oldest;
}

std::vector<JournalThread::Waiting> JournalThread::take_durable() {
    std::vector<Waiting> durable;
    const std::lock_guard lock{mutex_};
    for (Shard shard = 0; shard < waiting_.size(); ++shard) {
        const Offset end = journal_.durable_end(shard);
        auto& waiting = waiting_[shard];
        for (; !waiting.empty() && waiting.front().end <= end; waiting.pop_front())
            durable.push_back(std::move(waiting.front()));
    }
    return durable;
}

void JournalThread::tell_durable() {
    std::vector<DurableNews> news;
    std::unordered_map<Submitter*, std::size_t> places;
    for (Waiting& done : take_durable()) {
        const auto [place, is_new] = places.emplace(done.submitter.get(), news.size());
        if (is_new) news.push_back({std::move(done.submitter), 0});
        ++news[place->second].count;
    }
    if (!news.empty()) callbacks_.on_durable(std::move(news));
}

}  // namespace longhaul::collector
