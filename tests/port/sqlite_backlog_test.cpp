// A spool in which very much waits, opened by a process of its own, which says what that took.
// tools/dev prove spool runs these with LH_SPOOL_FILE and LH_SPOOL_BLOCKS; no other run does.
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "agent/platform/linux/linux_ports.hpp"
#include "agent/platform/linux/sqlite_spool.hpp"
#include "tests/port/spool_steps.hpp"
#include "tests/support/spool_policies.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

constexpr std::size_t block_bytes = 100;
constexpr std::uint32_t group_blocks = 500;

std::string from_environment(const char* name) {
    const char* const value = std::getenv(name);
    INFO(name << " says what to do; see tests/prove/spool");
    REQUIRE(value != nullptr);
    return value;
}

std::unique_ptr<SqliteSpool> open_spool(LinuxEntropy& entropy) {
    auto spool = SqliteSpool::open(from_environment("LH_SPOOL_FILE"),
                                   test::stop_at(std::uint64_t{1} << 33), entropy);
    REQUIRE(spool.ok());
    return std::move(spool).value();
}

std::uint32_t blocks_wanted() {
    return static_cast<std::uint32_t>(std::stoul(from_environment("LH_SPOOL_BLOCKS")));
}

// Of this process, as Linux has it: "VmRSS" now, "VmHWM" at most.
long memory_kib(const std::string& what) {
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(what + ":")) return std::stol(line.substr(what.size() + 1));
    FAIL("no " << what << " in /proc/self/status");
    return 0;
}

}  // namespace

TEST_CASE("sqlite spool: takes a backlog", "[.backlog-fill]") {
    LinuxEntropy entropy;
    const auto spool = open_spool(entropy);
    const Epoch epoch = spool->begin_epoch().value();
    REQUIRE(spool->store_epoch(epoch, as_bytes("record"), {}).ok());
    const std::uint32_t wanted = blocks_wanted();
    for (std::uint32_t first = 1; first <= wanted; first += group_blocks) {
        std::vector<std::vector<std::byte>> contents;
        std::vector<SpoolBlock> group;
        for (std::uint32_t n = first; n < first + group_blocks && n <= wanted; ++n) {
            const BlockSeq seq = BlockSeq::of(BlockClass::normal, n);
            contents.push_back(test::spool_bytes(epoch, seq, block_bytes));
            group.push_back({{{spool->incarnation(), epoch, seq}, 60, 1, 2}, contents.back()});
        }
        REQUIRE(spool->append(group, nothing_sent).value().stored == group.size());
    }
}

TEST_CASE("sqlite spool: opens and drains a backlog", "[.backlog-open]") {
    using Clock = std::chrono::steady_clock;
    LinuxEntropy entropy;
    const std::uint32_t wanted = blocks_wanted();
    const long before_kib = memory_kib("VmRSS");
    const auto begin = Clock::now();
    const auto spool = open_spool(entropy);
    const SpoolDepth depth = spool->depth().value();
    const std::chrono::duration<double, std::milli> open_ms = Clock::now() - begin;
    REQUIRE(depth.waiting[static_cast<std::size_t>(BlockClass::normal)] == wanted);
    std::vector<std::byte> room(2 * block_bytes);
    const Epoch epoch = depth.oldest_epoch;
    for (std::uint32_t n = 1; n <= wanted; ++n) {
        const auto block =
            spool->next(BlockClass::normal, epoch, BlockSeq::of(BlockClass::normal, n - 1), room);
        const bool right =
            block.ok() && block.value().tag.name.seq.number() == n &&
            equal(block.value().sealed,
                  test::spool_bytes(epoch, BlockSeq::of(BlockClass::normal, n), block_bytes));
        if (!right) FAIL("block " << n);
    }
    const auto gain = spool->mark_durable(
        {epoch, BlockSeq::of(BlockClass::normal, 1), BlockSeq::of(BlockClass::normal, wanted)});
    CHECK(gain.value().blocks == wanted);
    CHECK(spool->depth().value().bytes_waiting == 0);
    std::printf("%u blocks: opened in %.1f ms, drained with %ld KiB more\n", wanted,
                open_ms.count(), memory_kib("VmHWM") - before_kib);
}
