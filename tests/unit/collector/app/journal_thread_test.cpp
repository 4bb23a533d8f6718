#include "collector/app/journal_thread.hpp"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <semaphore>
#include <thread>
#include <vector>

#include "collector/journal/local_journal.hpp"
#include "collector/journal/segment.hpp"
#include "collector/net/clock.hpp"
#include "firmware-sim/sim_disk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

class CountingSubmitter final : public Submitter {
 public:
    void on_durable(std::uint64_t count) override { durable += count; }
    std::uint64_t durable = 0;
};

constexpr std::chrono::seconds patience{60};  // of a test that fails
const JournalEntry entry{{1}, JournalKind::block, "acme", "bus-1", as_bytes("sealed")};

struct Told {
    std::uint64_t failures = 0;
    std::counting_semaphore<> news{0};
    JournalThread::Callbacks callbacks() {
        return {[this](std::vector<DurableNews> durable) {
                    for (const DurableNews& each : durable) each.submitter->on_durable(each.count);
                    news.release();
                },
                [this](Message) { ++failures; }};
    }
};

std::uint64_t entries_in(Journal& journal, Shard shard = 0) {
    auto reader = journal.read(shard, 0);
    REQUIRE(reader.ok());
    std::uint64_t count = 0;
    while (reader.value()->next().ok()) ++count;
    return count;
}

LocalJournalSettings nothing_is_due(Shard shards = 1) {  // before the thread is stopped
    LocalJournalSettings settings;
    settings.shards_if_new = shards;
    settings.group_ms_max = 3'600'000;
    return settings;
}

// A journal for a thread, and one who submits to it.
struct Bench {
    explicit Bench(const LocalJournalSettings& settings = {})
        : journal{std::move(LocalJournal::open(disk, settings)).value()} {}
    sim::SimDisk disk;
    std::unique_ptr<LocalJournal> journal;
    Told told;
    std::shared_ptr<CountingSubmitter> submitter = std::make_shared<CountingSubmitter>();
};

}  // namespace

TEST_CASE(
    "journal thread: each submitter is told of its own entries, all of them, when they are "
    "durable") {
    Bench bench;
    const auto one = std::make_shared<CountingSubmitter>();
    const auto two = std::make_shared<CountingSubmitter>();
    {
        JournalThread thread{*bench.journal, bench.told.callbacks()};
        for (int i = 0; i < 1000; ++i) {
            thread.submit(one, 0, entry);
            if (i % 2 == 0) thread.submit(two, 0, entry);
        }
        thread.stop();
    }
    CHECK(one->durable == 1000);
    CHECK(two->durable == 500);
    CHECK(bench.told.failures == 0);
    CHECK(entries_in(*bench.journal) == 1500);
}

TEST_CASE("journal thread: what is old enough becomes durable while it runs, time and again") {
    Bench bench;
    JournalThread thread{*bench.journal, bench.told.callbacks()};
    for (std::uint64_t i = 1; i <= 50; ++i) {  // mostly it waits for nothing by now
        REQUIRE(thread.submit(bench.submitter, 0, entry));
        REQUIRE(bench.told.news.try_acquire_for(patience));
        REQUIRE(bench.submitter->durable == i);
    }
}

TEST_CASE("journal thread: a group that is full becomes durable long before it is old enough") {
    LocalJournalSettings settings = nothing_is_due();
    settings.group_bytes_max = 4096;
    const std::vector<std::byte> more_than_half(3000);
    const JournalEntry large{{1}, JournalKind::block, "acme", "bus-1", more_than_half};
    Bench bench{settings};
    JournalThread thread{*bench.journal, bench.told.callbacks()};
    for (std::uint64_t i = 1; i <= 50; ++i) {
        REQUIRE(thread.submit(bench.submitter, 0, large));
        CHECK(bench.submitter->durable == 2 * (i - 1));
        REQUIRE(thread.submit(bench.submitter, 0, large));
        REQUIRE(bench.told.news.try_acquire_for(patience));
        REQUIRE(bench.submitter->durable == 2 * i);
    }
}

TEST_CASE("journal thread: after a failed sync nobody is told anything but the failure") {
    Bench bench;
    {
        bench.disk.fail_next_sync();
        JournalThread thread{*bench.journal, bench.told.callbacks()};
        thread.submit(bench.submitter, 0, entry);
        thread.stop();
    }
    CHECK(bench.submitter->durable == 0);
    CHECK(bench.told.failures == 1);
}

TEST_CASE(
    "journal thread: of groups one of which fails nobody is told, although others are durable") {
    Bench bench{nothing_is_due(2)};
    bench.disk.fail_after(1, shard_folder(1));
    JournalThread thread{*bench.journal, bench.told.callbacks()};
    for (const Shard shard : {0U, 1U}) CHECK(thread.submit(bench.submitter, shard, entry));
    thread.stop();
    CHECK(bench.journal->durable_end(0) != 0);
    CHECK(bench.journal->durable_end(1) == 0);
    CHECK(bench.submitter->durable == 0);
    CHECK(bench.told.failures == 1);
}

TEST_CASE("journal thread: a sync that fails in the very last group is told like any other") {
    Bench bench{nothing_is_due()};
    bench.disk.fail_next_sync();
    JournalThread thread{*bench.journal, bench.told.callbacks()};
    thread.submit(bench.submitter, 0, entry);
    CHECK(bench.told.failures == 0);
    thread.stop();
    CHECK(bench.told.failures == 1);
    CHECK(bench.submitter->durable == 0);
    CHECK(thread.counters().failed);
    CHECK(thread.counters().groups == 0);
    CHECK(thread.waiting_since() != MonotonicMs::never());
}

TEST_CASE("journal thread: it counts what it does, and knows since when something waits") {
    Bench bench{nothing_is_due()};
    JournalThread thread{*bench.journal, bench.told.callbacks()};
    CHECK(thread.waiting_since() == MonotonicMs::never());
    const MonotonicMs before = monotonic_now();
    for (int i = 0; i < 10; ++i) thread.submit(bench.submitter, 0, entry);
    CHECK(thread.waiting_since() >= before);
    CHECK(thread.waiting_since() <= monotonic_now());
    thread.stop();
    CHECK(thread.waiting_since() == MonotonicMs::never());
    CHECK(thread.counters().entries == 10);
    CHECK(thread.counters().groups == 1);
    CHECK(thread.counters().bytes == bench.journal->durable_end(0));
    CHECK_FALSE(thread.counters().failed);
}

TEST_CASE("journal thread: what comes after the stop is not taken, and it says so") {
    Bench bench;
    JournalThread thread{*bench.journal, bench.told.callbacks()};
    CHECK(thread.submit(bench.submitter, 0, entry));
    thread.stop();
    CHECK_FALSE(thread.submit(bench.submitter, 0, entry));
    CHECK(bench.submitter->durable == 1);
    CHECK(entries_in(*bench.journal) == 1);
}

TEST_CASE("journal thread: what the journal refuses ends it, and what came before is told") {
    Bench bench{nothing_is_due()};
    const std::vector<std::byte> much(std::size_t{1} << 20);
    JournalThread thread{*bench.journal, bench.told.callbacks()};
    CHECK(thread.submit(bench.submitter, 0, entry));
    CHECK_FALSE(
        thread.submit(bench.submitter, 0, {{1}, JournalKind::block, "acme", "bus-1", much}));
    CHECK_FALSE(thread.submit(bench.submitter, 0, entry));
    thread.stop();
    CHECK(bench.submitter->durable == 1);
    CHECK(bench.told.failures == 1);
    CHECK(entries_in(*bench.journal) == 1);
}

TEST_CASE("journal thread: several threads submit, each to a shard of its own") {
    LocalJournalSettings settings;
    settings.shards_if_new = 4;
    settings.group_bytes_max = 4096;  // groups are written while others are appended to
    Bench bench{settings};
    std::array<std::shared_ptr<CountingSubmitter>, 4> submitters;
    for (auto& each : submitters) each = std::make_shared<CountingSubmitter>();
    {
        JournalThread thread{*bench.journal, bench.told.callbacks()};
        std::vector<std::jthread> threads;
        for (Shard shard = 0; shard < submitters.size(); ++shard) {
            threads.emplace_back([&, shard] {
                for (int i = 0; i < 2000; ++i) thread.submit(submitters[shard], shard, entry);
            });
        }
        threads.clear();
        thread.stop();
    }
    for (Shard shard = 0; shard < submitters.size(); ++shard) {
        CHECK(submitters[shard]->durable == 2000);
        CHECK(entries_in(*bench.journal, shard) == 2000);
    }
    CHECK(bench.told.failures == 0);
}
