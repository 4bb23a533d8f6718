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

bool JournalThread::submit(const std::shared_ptr<Submitter>& from, Shard shard,
                           const JournalEntry& entry) {
    Item item{from,
              shard,
              entry.kind,
              monotonic_now(),
              entry.receive_time,
              std::string{entry.tenant},
              std::string{entry.device},
              {entry.body.begin(), entry.body.end()}};
    const std::lock_guard lock{mutex_};
    if (stopping_ || counters_.failed) return false;
    items_.push_back(std::move(item));
    if (items_.size() == 1) news_.notify_one();
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
    std::vector<Item> items;
    MonotonicMs due = MonotonicMs::never();
    Status done;
    while (done.ok() && take(items, due)) {
        done = append(items);
        items.clear();
        if (!done.ok()) break;
        const auto synced = sync(false);
        if (synced.ok()) {
            due = synced.value();
        } else {
            done = synced.error();
        }
    }
    if (done.ok()) {
        done = append(items);
        if (done.ok()) {
            if (const auto synced = sync(true); !synced.ok()) done = synced.error();
        }
    }
    counters_.failed = !done.ok();
    if (!done.ok())
        callbacks_.on_failure(
            {"the journal failed and takes nothing more: " + to_string(done.error())});
}

// What is due, or everything; tells what it made durable.
Result<MonotonicMs> JournalThread::sync(bool all) {
    using Clock = std::chrono::steady_clock;
    const Offset before = durable_bytes();
    const Clock::time_point begin = Clock::now();
    Result<MonotonicMs> due = MonotonicMs::never();
    if (all) {
        if (const Status flushed = journal_.flush(); !flushed.ok()) due = flushed.error();
    } else {
        due = journal_.step(monotonic_now());
    }
    if (!due.ok()) return due;
    if (const Offset added = durable_bytes() - before; added != 0) {
        counters_.sync.add(std::chrono::duration<double>(Clock::now() - begin).count());
        ++counters_.groups;
        counters_.bytes += added;
        tell_durable();
    }
    return due;
}

Offset JournalThread::durable_bytes() const {
    Offset bytes = 0;
    for (Shard shard = 0; shard < waiting_.size(); ++shard) bytes += journal_.durable_end(shard);
    return bytes;
}

MonotonicMs JournalThread::waiting_since() const {
    const std::lock_guard lock{mutex_};
    return items_.empty() ? oldest_taken_ : std::min(oldest_taken_, items_.front().submitted);
}

// With the mutex held, on the journal's thread.
void JournalThread::note_oldest(const std::vector<Item>& items) {
    oldest_taken_ = items.empty() ? MonotonicMs::never() : items.front().submitted;
    for (const auto& waiting : waiting_) {
        if (!waiting.empty()) oldest_taken_ = std::min(oldest_taken_, waiting.front().submitted);
    }
}

// Moves what was submitted into `items`; waits for it until the time is over. False: stop.
bool JournalThread::take(std::vector<Item>& items, MonotonicMs until) {
    std::unique_lock lock{mutex_};
    const auto ready = [this] { return stopping_ || !items_.empty(); };
    if (until == MonotonicMs::never()) {
        news_.wait(lock, ready);
    } else {
        news_.wait_until(lock, time_point_of(until), ready);
    }
    items.swap(items_);
    note_oldest(items);
    return !stopping_;
}

Status JournalThread::append(const std::vector<Item>& items) {
    for (const Item& item : items) {
        const JournalEntry entry{item.receive_time, item.kind, item.tenant, item.device, item.body};
        LH_TRY_ASSIGN(const Offset end, journal_.append(item.shard, entry, monotonic_now()));
        waiting_[item.shard].push_back({item.submitter, end, item.submitted});
        ++counters_.entries;
    }
    return {};
}

void JournalThread::tell_durable() {
    std::vector<DurableNews> news;
    std::unordered_map<Submitter*, std::size_t> places;
    for (Shard shard = 0; shard < waiting_.size(); ++shard) {
        const Offset durable = journal_.durable_end(shard);
        auto& waiting = waiting_[shard];
        for (; !waiting.empty() && waiting.front().end <= durable; waiting.pop_front()) {
            std::shared_ptr<Submitter>& submitter = waiting.front().submitter;
            const auto [place, is_new] = places.emplace(submitter.get(), news.size());
            if (is_new) news.push_back({std::move(submitter), 0});
            ++news[place->second].count;
        }
    }
    {
        const std::lock_guard lock{mutex_};
        note_oldest({});
    }
    if (!news.empty()) callbacks_.on_durable(std::move(news));
}

}  // namespace longhaul::collector
