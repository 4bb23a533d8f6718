// SQLite spools on disks that are full, or have little room.
#include <cstdio>

#include "agent/platform/linux/sqlite_salvage.hpp"
#include "tests/port/spool_contract.hpp"
#include "tests/port/sqlite_sim_harness.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

using Bench = SpoolBench<SqliteSimHarness>;

SeqRange range(Epoch epoch, std::uint32_t first, std::uint32_t last) {
    return {epoch, BlockSeq::of(BlockClass::normal, first), BlockSeq::of(BlockClass::normal, last)};
}

// Restarted on a disk with so many bytes free, and no reserve.
void restart_with_room(Bench& bench, std::uint64_t room) {
    bench.harness.spool.reset();
    bench.harness.vfs.set_reserved(0);
    bench.harness.vfs.set_bytes_max(bench.harness.vfs.bytes() + room);
    bench.restart();
}

}  // namespace

TEST_CASE("sqlite spool: a start with less room than the reserve wants goes on") {
    for (std::uint64_t room = 100'000; room <= 2'300'000; room += room / 4) {
        CAPTURE(room);
        Bench bench{when_full(WhenFull::drop_oldest, 64 << 20)};
        Epoch epoch = bench.begin();
        for (std::uint32_t n = 1; n <= 200; ++n)
            REQUIRE(bench.append(epoch, BlockClass::normal, n, 2000).ok());
        restart_with_room(bench, room);
        epoch = bench.begin();
        for (std::uint32_t n = 1; n <= 1500; ++n) {
            CAPTURE(n);
            REQUIRE(bench.append(epoch, BlockClass::normal, n, 2000).ok());
        }
        CHECK_FALSE(bench.spool->losses().empty());
        CHECK(bench.spool->depth().value().bytes_waiting >= 350'000);
        REQUIRE(bench.spool->mark_durable(range(epoch, 1, 1450)).ok());

        restart_with_room(bench, 0);
        bench.harness.vfs.set_bytes_max(bench.harness.vfs.bytes() + 100'000);
        for (unsigned i = 0; i < 50; ++i) {
            epoch = bench.begin();
            CHECK(epoch.value == 3 + i);
        }
        REQUIRE(bench.spool->mark_durable(range({2}, 1, 1500)).ok());
        CHECK(bench.append(epoch, BlockClass::normal, 1, 2000).ok());

        bench.harness.vfs.set_bytes_max(UINT64_MAX);
        for (std::uint32_t n = 2; n <= 1000; ++n)
            REQUIRE(bench.append(epoch, BlockClass::normal, n, 2000).ok());
        CHECK(bench.spool->depth().value().waiting[2] >= 900);
    }
}

TEST_CASE("sqlite spool: durable blocks go from a full disk though nothing is appended") {
    Bench bench{stop_at(64 << 20)};
    const Epoch epoch = bench.begin();
    for (std::uint32_t n = 1; n <= 400; ++n)
        REQUIRE(bench.append(epoch, BlockClass::normal, n, 2000).ok());
    bench.mark(epoch, BlockClass::normal, 1, 300);
    restart_with_room(bench, 100'000);
    std::vector<std::byte> value(256);
    for (std::uint8_t key = 1; key < 200; ++key) {
        CAPTURE(key);
        REQUIRE(bench.spool->put_state(key, value).ok());
        bench.begin({1, 2, 3, key});
    }
    CHECK(bench.spool->depth().value().waiting[2] == 100);
}

TEST_CASE("sqlite spool: a mark that the full disk lets in at the second attempt counts once") {
    for (std::uint64_t room = 0; room < 60'000; room += 1000) {
        CAPTURE(room);
        Bench bench;
        const Epoch epoch = bench.begin();
        for (std::uint32_t n = 1; n <= 20; ++n)
            REQUIRE(bench.append(epoch, BlockClass::normal, n, 1000).ok());
        // The rest of the disk is the reserve.
        bench.harness.vfs.set_bytes_max(bench.harness.vfs.bytes() + (1 << 20) + room);
        for (std::uint32_t n = 1; n <= 20; ++n) {
            const auto gain = bench.spool->mark_durable(range(epoch, n, n));
            REQUIRE(gain.ok());
            CHECK(gain.value().blocks == 1);
            CHECK(gain.value().samples == n);
        }
    }
}

TEST_CASE("sqlite spool: a damaged spool on a disk without room for another one starts") {
    const auto damaged = [] {
        Bench bench;
        const Epoch epoch = bench.begin();
        for (std::uint32_t n = 1; n <= 300; ++n)
            REQUIRE(bench.append(epoch, BlockClass::normal, n, 1000).ok());
        bench.harness.spool.reset();
        return bench.harness.vfs.files();
    }();
    for (const std::uint64_t percent : {135U, 150U, 180U, 250U, 400U}) {
        CAPTURE(percent);
        SqliteSimHarness harness;
        harness.policy = stop_at(1 << 20);
        harness.vfs.set_files(damaged);
        harness.vfs.flip(SqliteSimHarness::path, 3, std::byte{1});
        const std::uint64_t bytes = harness.vfs.bytes();
        const bool older = percent == 250;  // in the way, and goes
        if (older) {
            const std::vector<std::byte> filler(bytes);
            REQUIRE(harness.vfs.write("spool.db.damaged-1", filler).ok());
        }
        harness.vfs.set_bytes_max(bytes * percent / 100);
        REQUIRE(harness.restart() != nullptr);
        const std::uint32_t waiting = harness.spool->depth().value().waiting[2];
        CHECK(waiting >= (percent == 400 ? 300U : percent >= 180 ? 50U : 0U));
        CHECK((waiting == 300) == harness.spool->losses().empty());
        std::uint64_t lost = 0;
        for (const Loss& loss : harness.spool->losses().entries())
            lost += loss.first.epoch.value == 0 ? 300 : loss.last.number - loss.first.number + 1;
        CHECK(waiting + lost >= 300);
        CHECK(harness.spool->begin_epoch().ok());
        CHECK(harness.vfs.exists("spool.db.damaged-1") == !older);
        CHECK(harness.vfs.exists("spool.db.damaged-2") == older);
    }
}

TEST_CASE("sqlite spool: where there is no room even for an empty one, the damaged one waits") {
    Bench bench;
    const Epoch epoch = bench.begin();
    for (std::uint32_t n = 1; n <= 300; ++n)
        REQUIRE(bench.append(epoch, BlockClass::normal, n, 1000).ok());
    bench.harness.spool.reset();
    sim::SimVfs& disk = bench.harness.vfs;
    disk.flip(SqliteSimHarness::path, 3, std::byte{1});
    disk.set_reserved(0);
    disk.set_bytes_max(disk.bytes() + 50'000);
    CHECK(bench.harness.restart() == nullptr);
    CHECK(bench.harness.restart() == nullptr);
    disk.set_bytes_max(UINT64_MAX);
    bench.restart();
    CHECK(bench.spool->depth().value().waiting[2] == 300);
    CHECK(bench.spool->losses().empty());
}
