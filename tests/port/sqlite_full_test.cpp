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

}  // namespace

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
