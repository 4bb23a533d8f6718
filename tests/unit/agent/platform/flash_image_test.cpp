#include "agent/platform/linux/flash_image.hpp"

#include <catch2/catch_test_macros.hpp>
#include <fstream>

#include "agent/platform/linux/spool_copy.hpp"
#include "agent/platform/linux/spool_survey.hpp"
#include "tests/support/spool_policies.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/agent/fixtures.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

// The image of a device that has stored three blocks, one of which is durable.
void make_image(const std::string& path, const FlashGeometry& geometry) {
    auto flash = FileFlash::open(path, geometry, FileFlash::Syncs::no);
    REQUIRE(flash.ok());
    test::SeededEntropy entropy;
    std::vector<std::byte> memory(FlashSpool::memory_bytes(geometry));
    FlashSpool spool{flash.value(), test::stop_at(UINT64_MAX), entropy, memory};
    REQUIRE(spool.open().ok());
    const auto epoch = spool.begin_epoch();
    REQUIRE(epoch.ok());
    REQUIRE(spool.store_epoch(epoch.value(), as_bytes("record"), {}).ok());
    for (std::uint32_t number = 1; number <= 3; ++number) {
        const BlockName name{spool.incarnation(), epoch.value(),
                             BlockSeq::of(BlockClass::live, number)};
        const std::vector<std::byte> plain(40);
        std::vector<std::byte> sealed(200);
        const auto size = seal_block(BlockKey{}, name, 7, plain, sealed);
        REQUIRE(size.ok());
        const SpoolBlock block{{name, 7, 0, 0, 0}, Bytes{sealed}.first(size.value())};
        REQUIRE(spool.append({&block, 1}, nothing_sent).ok());
    }
    const BlockSeq first = BlockSeq::of(BlockClass::live, 1);
    REQUIRE(spool.mark_durable({epoch.value(), first, first}).ok());
}

}  // namespace

TEST_CASE("flash image: says its geometry, and what is in its spool") {
    REQUIRE(crypto_init().ok());
    for (const FlashGeometry& made :
         {FlashGeometry{4096, 16, 1}, FlashGeometry{8192, 32, 8}, FlashGeometry{65536, 16, 256}}) {
        CAPTURE(made.sector_bytes, made.program_bytes);
        const test::TemporaryFolder folder;
        make_image(folder / "flash.bin", made);
        const auto told = geometry_of_image(folder / "flash.bin");
        REQUIRE(told);
        CHECK(told->sector_bytes == made.sector_bytes);
        CHECK(told->sectors == made.sectors);
        CHECK(told->program_bytes == (made.program_bytes <= 16 ? 1 : made.program_bytes));

        auto copy = SpoolCopy::make(folder / "flash.bin");
        REQUIRE(copy.ok());
        CHECK(std::string{copy.value()->kind()} == "flash");
        const auto found = survey(copy.value()->spool());
        REQUIRE(found.ok());
        REQUIRE(found.value().blocks.size() == 1);
        const auto& [place, counts] = *found.value().blocks.begin();
        CHECK(place.block_class == BlockClass::live);
        CHECK(counts.kept.blocks == 3);
        CHECK(counts.waiting.blocks == 2);
        CHECK(counts.waiting.samples == 14);
    }
}

TEST_CASE("flash image: other files are none") {
    const test::TemporaryFolder folder;
    CHECK_FALSE(geometry_of_image(folder / "nowhere"));
    std::ofstream{folder / "text"} << std::string(100'000, 'x');
    CHECK_FALSE(geometry_of_image(folder / "text"));
    std::ofstream{folder / "short"} << "LHSE";
    CHECK_FALSE(geometry_of_image(folder / "short"));
}
