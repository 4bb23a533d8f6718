// The SQLite spool on a disk that loses power: at every step of every scenario.
#include <cstdio>
#include <cstdlib>

#include "tests/port/spool_contract.hpp"
#include "tests/port/sqlite_sim_harness.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

constexpr std::uint64_t bytes_for_cuts = 6000;
using History = SpoolHistory<SqliteSimHarness>;

// Runs the history with these cuts, and says how many there were.
std::size_t cut(const SpoolPolicy& policy, const SpoolScript& script, const PowerCuts& cuts) {
    CAPTURE(cuts.first, cuts.second, cuts.seed);
    History history{policy, cuts};
    history.run(script);
    history.drain();
    return history.cuts();
}

std::uint64_t steps_of(const SpoolPolicy& policy, const SpoolScript& script) {
    History history{policy};
    history.run(script);
    history.drain();
    return history.harness.steps();
}

}  // namespace

LH_SPOOL_CONTRACT(SqliteSimHarness)

TEST_CASE("sqlite spool: power may fail at any step of any scenario", "[cuts]") {
    const auto scenarios = spool_scenarios(bytes_for_cuts);
    const std::uint64_t wanted = spool_cuts_wanted(500) / scenarios.size();
    std::size_t cuts = 0;
    std::uint64_t steps = 0;
    for (const SpoolScenario& scenario : scenarios) {
        CAPTURE(scenario.name);
        const std::uint64_t all = steps_of(scenario.policy, scenario.script);
        const std::uint64_t stride =
            std::max<std::uint64_t>(1, all / std::max<std::uint64_t>(wanted, 1));
        steps += all;
        for (std::uint64_t at = 1; at <= all; at += stride)
            cuts += cut(scenario.policy, scenario.script, {at, 0, static_cast<std::uint32_t>(at)});
    }
    std::printf("sqlite spool: %zu cuts at %llu steps\n", cuts,
                static_cast<unsigned long long>(steps));
    CHECK(cuts >= std::min<std::uint64_t>(wanted, steps));
}

TEST_CASE("sqlite spool: power may fail twice, the second time while it starts", "[cuts]") {
    const auto scenarios = spool_scenarios(bytes_for_cuts);
    const std::uint64_t wanted = std::min<std::uint64_t>(spool_cuts_wanted(100), 2500);
    std::mt19937 random{7};  // the seed
    std::size_t cuts = 0;
    for (std::uint64_t i = 0; i < wanted; ++i) {
        const SpoolScenario& scenario = scenarios[i % scenarios.size()];
        CAPTURE(scenario.name, i);
        const auto seed = static_cast<std::uint32_t>(random());
        cuts += cut(scenario.policy, scenario.script,
                    {1 + random() % 400, 1 + random() % (i % 2 == 0 ? 12 : 200), seed});
    }
    std::printf("sqlite spool: %zu cuts, two in a run, seed 7\n", cuts);
    CHECK(cuts >= wanted);
}

TEST_CASE("sqlite spool: power may fail in random histories", "[cuts]") {
    const std::uint64_t wanted = std::min<std::uint64_t>(spool_cuts_wanted(60), 2500);
    std::size_t cuts = 0;
    for (std::uint32_t seed = 1; seed <= wanted; ++seed) {
        CAPTURE(seed);
        std::mt19937 random{seed};
        cuts += cut(random_policy(seed, bytes_for_cuts), random_script(seed, 60),
                    {1 + random() % 500, 1 + random() % 500, seed});
    }
    std::printf("sqlite spool: %zu cuts in random histories, seeds 1 to %llu\n", cuts,
                static_cast<unsigned long long>(wanted));
}

TEST_CASE("sqlite spool: power may fail while it is made") {
    for (std::uint64_t at = 1;; ++at) {
        CAPTURE(at);
        SqliteSimHarness harness;
        harness.policy = stop_at(bytes_for_cuts);
        harness.vfs.cut_after(at);
        REQUIRE(harness.restart() != nullptr);
        const bool done = harness.vfs.steps_taken() < at;
        harness.vfs.cut_after(UINT64_MAX);
        REQUIRE(harness.spool->begin_epoch().ok());
        if (done) break;
    }
}

TEST_CASE("sqlite spool: a full disk costs nothing but time") {
    SpoolBench<SqliteSimHarness> bench;
    sim::SimVfs& disk = bench.harness.vfs;
    const Epoch epoch = bench.begin();
    REQUIRE(bench.append(epoch, BlockClass::normal, 1).ok());
    std::uint32_t last = 1;
    for (std::uint64_t room = 0; room < 40'000; room += 700) {
        CAPTURE(room);
        disk.set_bytes_max(disk.bytes() + room);
        auto stored = bench.append_some(epoch, BlockClass::normal, last + 1, last + 8, 2000);
        if (stored.ok()) {
            last += static_cast<std::uint32_t>(stored.value().stored);
        } else {
            CHECK((stored.error() == ErrorCode::full || stored.error() == ErrorCode::io));
        }
        CHECK(bench.spool->depth().value().waiting[2] == last);
        if (room % 2100 == 0) bench.restart();
        CHECK(bench.waiting(BlockClass::normal).ends_with("1." + std::to_string(last)));
    }
    disk.set_bytes_max(UINT64_MAX);
    REQUIRE(bench.append(epoch, BlockClass::normal, last + 1).ok());
    bench.restart();
    CHECK(bench.waiting(BlockClass::normal).ends_with("1." + std::to_string(last + 1)));
    CHECK(bench.spool->losses().empty());
}

TEST_CASE("sqlite spool: a full disk is as a full spool, and is one no longer when there is room") {
    SpoolHistory<SqliteSimHarness> history{when_full(WhenFull::drop_oldest, 16 << 20)};
    sim::SimVfs& disk = history.harness.vfs;
    using enum SpoolStep::What;
    using enum BlockClass;
    history.run({{fill, bulk, 200, 2000}});
    disk.set_bytes_max(disk.bytes() + (1 << 20) + 100'000);  // the reserve, and a little
    history.run({{fill, bulk, 700, 2000},
                 {state, alarm, 1, 100},
                 {mark, bulk, 40},
                 {tell},
                 {boot},
                 {fill, live, 300, 2000},
                 {tell},
                 {mark, alarm, 2}});
    const auto depth = history.spool().depth();
    CHECK(depth.value().waiting[static_cast<std::size_t>(live)] >= 150);
    CHECK(history.lost_samples() > 0);
    disk.set_bytes_max(UINT64_MAX);
    history.run({{fill, live, 100}, {fill, bulk, 900, 2000}});
    CHECK(history.spool().depth().value().waiting[static_cast<std::size_t>(bulk)] >= 900);
    history.drain();
}

TEST_CASE("sqlite spool: the file does not grow with what it has seen") {
    SpoolBench<SqliteSimHarness> bench{when_full(WhenFull::drop_oldest, 200'000)};
    std::uint64_t bytes_after_two = 0;
    for (std::uint32_t boot = 1; boot <= 10; ++boot) {
        bench.restart();
        const Epoch epoch = bench.begin();
        for (std::uint32_t n = 1; n <= 400; ++n)
            static_cast<void>(
                bench.append(epoch, static_cast<BlockClass>(n % 4), (n + 3) / 4, 1000).ok());
        bench.mark(epoch, BlockClass::normal, 50, 70);
        bench.restart();
        if (boot == 2) bytes_after_two = bench.harness.vfs.bytes();
    }
    CAPTURE(bytes_after_two, bench.harness.vfs.bytes());
    CHECK(bench.harness.vfs.bytes() <= bytes_after_two * 5 / 4);
    CHECK(bench.harness.vfs.bytes() <= 400'000);
}

TEST_CASE("sqlite spool: what it says that it wrote is what it wrote") {
    SpoolBench<SqliteSimHarness> bench{std::uint64_t{64} << 20};
    const Epoch epoch = bench.begin();
    const std::uint64_t on_disk = bench.harness.vfs.bytes_written();
    const std::uint64_t told = bench.spool->wear().bytes_written;
    for (std::uint32_t n = 1; n <= 300; ++n) {
        REQUIRE(bench.append_some(epoch, BlockClass::bulk, 16 * n, 16 * n + 15, 1000).ok());
        REQUIRE(bench.append(epoch, BlockClass::alarm, n, 200).ok());
        bench.mark(epoch, BlockClass::bulk, 16 * n, 16 * n + 9);
        if (n % 50 == 0) bench.begin();
    }
    const double written = static_cast<double>(bench.harness.vfs.bytes_written() - on_disk);
    const double said = static_cast<double>(bench.spool->wear().bytes_written - told);
    CAPTURE(written, said);
    CHECK(said > 0.96 * written);
    CHECK(said < 1.04 * written);
}

TEST_CASE("sqlite spool: opening reads as much, and a drain holds as much, however much waits") {
    std::array<std::uint64_t, 2> bytes_read{};
    for (std::size_t i = 0; i < 2; ++i) {
        SpoolBench<SqliteSimHarness> bench{std::uint64_t{64} << 20};
        const Epoch epoch = bench.begin();
        const std::uint32_t blocks = i == 0 ? 500 : 20'000;
        for (std::uint32_t n = 0; n < blocks; n += 500)
            REQUIRE(bench.append_some(epoch, BlockClass::bulk, n + 1, n + 500, 60).ok());
        bench.harness.spool.reset();
        const std::uint64_t before = bench.harness.vfs.bytes_read();
        bench.restart();
        const SpoolDepth depth = bench.spool->depth().value();
        bytes_read[i] = bench.harness.vfs.bytes_read() - before;
        CHECK(depth.waiting[3] == blocks);
        CHECK(bench.mark(epoch, BlockClass::bulk, 1, blocks).blocks == blocks);
        CHECK(bench.spool->depth().value().bytes_waiting == 0);
    }
    CHECK(bytes_read[0] == bytes_read[1]);
    CHECK(bytes_read[1] <= 100'000);
}
