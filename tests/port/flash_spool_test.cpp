#include "agent/core/flash_spool.hpp"

#include "tests/port/flash_spool_harness.hpp"
#include "tests/port/spool_contract.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

// Serial NOR flash; flash with error correction inside a microcontroller; one that takes pages.
using NorFlashSpool = test::FlashSpoolHarness<4096, 1, 6>;
using EccFlashSpool = test::FlashSpoolHarness<4096, 8, 6>;
using PageFlashSpool = test::FlashSpoolHarness<65536, 256, 3>;
using NorBlockFlashSpool = test::FlashSpoolHarness<65536, 1, 3>;

}  // namespace

LH_SPOOL_CONTRACT(NorFlashSpool)
LH_SPOOL_CONTRACT(EccFlashSpool)
LH_SPOOL_CONTRACT(PageFlashSpool)
LH_SPOOL_CONTRACT(NorBlockFlashSpool)

TEST_CASE("flash spool: epochs whose record or a schema no frame will carry are passed over") {
    test::SpoolBench<NorFlashSpool> bench;
    const auto append = [&](Epoch epoch) {
        REQUIRE(bench.append(epoch, BlockClass::normal, 1, 300).ok());
        REQUIRE(bench.append(epoch, BlockClass::normal, 2, 300).ok());
    };
    const std::string long_text(700, 'x');
    append(bench.begin());
    append(bench.begin_with([&](Epoch) { return long_text; }));
    const SchemaHash schema = test::schema_hash_of(9);
    const Epoch third = bench.spool->begin_epoch().value();
    REQUIRE(bench.spool->store_schema(schema, as_bytes(long_text)).ok());
    REQUIRE(bench.spool->store_epoch(third, as_bytes("record"), {&schema, 1}).ok());
    append(third);
    append(bench.begin());

    std::vector<std::byte> room(400);
    CHECK(bench.waiting(BlockClass::normal, room) == "1.1 1.2 4.1 4.2");
    std::uint64_t samples = 0;
    for (const Loss& loss : bench.spool->losses().entries()) {
        CHECK(loss.reason == LossReason::unreadable);
        CHECK(loss.first.epoch.value >= 2);
        CHECK(loss.last.epoch.value <= 3);
        samples += loss.samples;
    }
    CHECK(samples == 2 * (1 + 2));
}
