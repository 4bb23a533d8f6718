// Whole sectors are lost, and sectors of a full spool go bad: everything is there or listed, and
// the spool goes on.
#include <algorithm>

#include "agent/core/epoch_maker.hpp"
#include "tests/port/flash_spool_harness.hpp"
#include "tests/port/spool_contract.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using sim::SimFlash;
using test::free_sectors;
using test::sectors_of;

namespace {

// All sectors that may hold blocks do.
using Harness = test::FlashSpoolHarness<4096, 1, 8>;
using Bench = test::SpoolBench<Harness>;

// Both copies of its header rot.
void lose_sector(SimFlash& flash, std::uint32_t sector) {
    const FlashLayout layout{flash.geometry()};
    const auto first = flash.image().begin() +
                       static_cast<std::ptrdiff_t>(std::size_t{sector} * layout.sector_bytes);
    std::fill(first + layout.header_at(0), first + layout.records_at(), std::byte{0});
}

// Of blocks 1 to `last` of a class and an epoch, those that neither wait nor are listed.
std::vector<std::uint32_t> missing(Bench& bench, Epoch epoch, BlockClass block_class,
                                   std::uint32_t last) {
    const std::string waiting = " " + bench.waiting(block_class) + " ";
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t n = 1; n <= last; ++n) {
        const BlockPlace place{epoch, n};
        const auto losses = bench.spool->losses().entries();
        const bool listed = std::any_of(losses.begin(), losses.end(), [&](const Loss& loss) {
            return loss.block_class == block_class && loss.first <= place && place <= loss.last;
        });
        const std::string name = " " + std::to_string(epoch.value) + "." + std::to_string(n) + " ";
        const bool waits = waiting.find(name) != std::string::npos;
        CHECK_FALSE((listed && waits));
        if (!listed && !waits) numbers.push_back(n);
    }
    return numbers;
}

// Blocks until no more go in, and epochs until all but the spare sectors are in use.
void fill(Bench& bench, std::uint32_t free_wanted) {
    SimFlash& flash = bench.harness.device.flash;
    for (std::uint8_t boot = 0; boot < 250; ++boot) {
        bench.restart();
        const Epoch epoch = bench.begin({static_cast<std::uint8_t>(1 + boot % 200), 201});
        for (std::uint32_t n = 1; n <= 5; ++n)
            if (!bench.append(epoch, BlockClass::normal, n, 300).ok()) break;
        if (boot > 60 && free_sectors(flash).size() <= free_wanted) return;
    }
    FAIL("sectors stay free");
}

}  // namespace

TEST_CASE("flash spool: free sectors of a full one that go bad do not stop it") {
    for (const SpoolPolicy& policy :
         {test::stop_at(UINT64_MAX), test::when_full(WhenFull::drop_oldest, UINT64_MAX)}) {
        for (const SimFlash::Fault fault : {SimFlash::Fault::error, SimFlash::Fault::ignored}) {
            Bench bench{policy};
            fill(bench, 2);
            SimFlash& flash = bench.harness.device.flash;
            for (const std::uint32_t sector : free_sectors(flash)) flash.set_fault(sector, fault);
            std::uint32_t boots = 0;
            for (; boots < 6; ++boots) {
                CAPTURE(boots, static_cast<int>(fault));
                bench.restart();
                for (int i = 0; i < 100; ++i) {
                    CAPTURE(i);
                    REQUIRE(bench.spool->begin_epoch().ok());
                    REQUIRE(bench.spool->put_state(1, as_bytes("journal")).ok());
                }
                const std::string waiting = bench.waiting(BlockClass::normal);
                REQUIRE_FALSE(waiting.empty());
                const auto first = static_cast<std::uint32_t>(std::stoul(waiting));
                CHECK(bench.mark({first}, BlockClass::normal, 1, 1000).blocks != 0);
            }
            // What is done with makes room.
            for (std::string waiting = bench.waiting(BlockClass::normal); !waiting.empty();
                 waiting = bench.waiting(BlockClass::normal))
                bench.mark({static_cast<std::uint32_t>(std::stoul(waiting))}, BlockClass::normal, 1,
                           1000);
            const Epoch epoch = bench.begin();
            CHECK(bench.append(epoch, BlockClass::normal, 1, 300).ok());
        }
    }
}

TEST_CASE("flash spool: whatever sector of a class is lost, its blocks are listed") {
    for (std::size_t c = 0; c < block_class_count; ++c) {
        const auto block_class = static_cast<BlockClass>(c);
        // Also when the front of the chain was freed before.
        for (const std::uint32_t stored : {30U, 120U}) {
            Bench bench{test::when_full(WhenFull::drop_oldest, UINT64_MAX)};
            const Epoch epoch = bench.begin();
            for (std::uint32_t n = 1; n <= stored; ++n)
                REQUIRE(bench.append(epoch, block_class, n, 300).ok());
            bench.restart();
            CHECK(missing(bench, epoch, block_class, stored).empty());
            const FlashChain chain = static_cast<FlashChain>(block_class);
            const SimFlash picture = bench.harness.device.flash;
            const auto sectors = sectors_of(bench.harness.device.flash, chain);
            REQUIRE(sectors.size() >= 3);
            // The newest is as what power cut off: the next epoch's record says so.
            for (std::size_t i = 0; i + 1 < sectors.size(); ++i) {
                CAPTURE(static_cast<int>(block_class), stored, i);
                bench.harness.device.flash = picture;
                lose_sector(bench.harness.device.flash, sectors[i]);
                bench.restart();
                CHECK(missing(bench, epoch, block_class, stored).empty());
                const auto losses = bench.spool->losses();
                CHECK_FALSE(losses.empty());
                bench.restart();
                CHECK(bench.spool->losses() == losses);
            }
        }
    }
}

TEST_CASE("flash spool: after a clean end, a block or a sector lost at a chain's end is listed") {
    for (const bool whole_sector : {false, true}) {
        Bench bench;
        const Epoch epoch = bench.begin();
        for (std::uint32_t n = 1; n <= 20; ++n)
            REQUIRE(bench.append(epoch, BlockClass::normal, n, 300).ok());
        REQUIRE(end_epoch_cleanly(*bench.spool, epoch).ok());
        SimFlash& flash = bench.harness.device.flash;
        const std::uint32_t newest = sectors_of(flash, 2).back();
        const FlashLayout layout{flash.geometry()};
        if (whole_sector) {
            lose_sector(flash, newest);
        } else {
            const std::uint32_t before = 20 - 1 - layout.capacity() / layout.record_bytes(300);
            std::size_t at = std::size_t{newest} * layout.sector_bytes + layout.records_at();
            at += before * layout.record_bytes(300);
            flash.image()[at + 20] ^= std::byte{1};
        }
        bench.restart();
        CAPTURE(whole_sector);
        CHECK_FALSE(bench.spool->losses().empty());
        CHECK(missing(bench, epoch, BlockClass::normal, 20).empty());
    }
}

TEST_CASE(
    "flash spool: with the only sector of an epoch goes what its record says of the one before") {
    for (const bool clean : {false, true}) {
        CAPTURE(clean);
        Bench bench;
        REQUIRE(bench.append(bench.begin(), BlockClass::normal, 1, 300).ok());
        bench.restart();
        REQUIRE(bench.append(bench.begin_after(clean), BlockClass::bulk, 1, 300).ok());
        bench.restart();
        bench.begin_after(false);
        SimFlash& flash = bench.harness.device.flash;
        lose_sector(flash, sectors_of(flash, static_cast<FlashChain>(BlockClass::bulk)).back());
        bench.restart();
        const LossLedger losses = bench.spool->losses();
        CHECK_FALSE(losses.empty());
        CHECK(test::cuts_in(losses) == (clean ? "" : "normal 1.2 from 1999"));
        bench.restart();
        CHECK(bench.spool->losses() == losses);
    }
}

TEST_CASE(
    "flash spool: of a sector that is lost at a chain's end the one before it is not missed") {
    Bench bench;
    const Epoch epoch = bench.begin();
    for (std::uint32_t n = 1; n <= 25; ++n)
        REQUIRE(bench.append(epoch, BlockClass::normal, n, 300).ok());
    SimFlash& flash = bench.harness.device.flash;
    const auto sectors = sectors_of(flash, 2);
    REQUIRE(sectors.size() == 3);
    // Power fails, and the end of the chain rots: a core knows of the first two sectors.
    lose_sector(flash, sectors[1]);
    lose_sector(flash, sectors[2]);
    bench.restart();
    CHECK(missing(bench, epoch, BlockClass::normal, 22).empty());
}

TEST_CASE("flash spool: whatever sector of the epochs is lost, all of them can be read") {
    Bench bench;
    // Long enough that sectors are collected.
    for (std::uint8_t boot = 0; boot < 120; ++boot) {
        const Epoch epoch = bench.begin({static_cast<std::uint8_t>(1 + boot), 201});
        REQUIRE(bench.append(epoch, BlockClass::normal, 1, 300).ok());
        if (boot >= 8) bench.mark({epoch.value - 8}, BlockClass::normal, 1, 1);
        bench.restart();
    }
    const std::string waiting = bench.waiting(BlockClass::normal);
    const SimFlash picture = bench.harness.device.flash;
    const auto sectors = sectors_of(bench.harness.device.flash, chain_epochs);
    REQUIRE(sectors.size() >= 2);
    for (const std::uint32_t sector : sectors) {
        CAPTURE(sector);
        bench.harness.device.flash = picture;
        lose_sector(bench.harness.device.flash, sector);
        bench.restart();
        CHECK(bench.waiting(BlockClass::normal) == waiting);
        std::vector<std::byte> room(300);
        for (std::uint32_t epoch = 113; epoch <= 120; ++epoch) {
            CHECK(bench.spool->read_epoch({epoch}, room).ok());
            std::array<SchemaHash, 4> hashes;
            CHECK(bench.spool->epoch_schemas({epoch}, hashes).value() == 2);
            for (const std::uint8_t schema : {static_cast<std::uint8_t>(epoch), std::uint8_t{201}})
                CHECK(bench.spool->read_schema(test::schema_hash_of(schema), room).ok());
        }
    }
    // Without any of them nobody can read the blocks.
    bench.harness.device.flash = picture;
    for (const std::uint32_t sector : sectors) lose_sector(bench.harness.device.flash, sector);
    bench.restart();
    CHECK(bench.waiting(BlockClass::normal).empty());
    for (std::uint32_t epoch = 113; epoch <= 120; ++epoch)
        CHECK(missing(bench, {epoch}, BlockClass::normal, 1).empty());
    CHECK(bench.spool->depth().value().waiting[2] == 0);
}

TEST_CASE("flash spool: whatever sector of the state is lost, all of the state is there") {
    Bench bench;
    const Epoch epoch = bench.begin();
    // Long enough that the lanes move.
    for (std::uint32_t n = 1; n <= 40; ++n) {
        const std::string value = "value " + std::to_string(n);
        REQUIRE(bench.append(epoch, BlockClass::normal, n, 100).ok());
        REQUIRE(bench.spool->put_state(static_cast<std::uint8_t>(1 + n % 3), as_bytes(value)).ok());
        if (n % 4 == 0) bench.mark(epoch, BlockClass::normal, 1, n / 2);
    }
    const Epoch newest = bench.begin();  // a mark alone is written into one of them only
    bench.restart();
    const std::string waiting = bench.waiting(BlockClass::normal);
    const Incarnation incarnation = bench.spool->incarnation();
    const SimFlash picture = bench.harness.device.flash;
    const auto sectors = sectors_of(bench.harness.device.flash, chain_state);
    REQUIRE(sectors.size() == 2);
    std::vector<std::byte> room(100);
    for (const std::uint32_t sector : sectors) {
        CAPTURE(sector);
        bench.harness.device.flash = picture;
        lose_sector(bench.harness.device.flash, sector);
        for (int start = 0; start < 2; ++start) {
            bench.restart();
            CHECK(bench.waiting(BlockClass::normal) == waiting);
            CHECK(bench.spool->losses().empty());
            CHECK(as_text(bench.spool->read_state(1, room).value()) == "value 39");
            CHECK(as_text(bench.spool->read_state(2, room).value()) == "value 40");
            CHECK(as_text(bench.spool->read_state(3, room).value()) == "value 38");
        }
        CHECK(sectors_of(bench.harness.device.flash, chain_state).size() == 2);
        CHECK(bench.spool->begin_epoch().value().value == newest.value + 1);
    }
    // Without any of them all blocks wait again, and nobody knows what was listed.
    bench.harness.device.flash = picture;
    for (const std::uint32_t sector : sectors) lose_sector(bench.harness.device.flash, sector);
    bench.restart();
    CHECK(bench.waiting(BlockClass::normal).starts_with("1.1 1.2 "));
    CHECK(missing(bench, epoch, BlockClass::normal, 40).empty());
    REQUIRE(bench.spool->losses().entries().size() == 1);
    CHECK(bench.spool->losses().entries()[0].last.epoch.value == 0);
    CHECK(bench.spool->incarnation() == incarnation);
    CHECK(bench.spool->read_state(1, room).error() == ErrorCode::not_found);
    CHECK(bench.spool->begin_epoch().value() > newest);
}

TEST_CASE("flash spool: damaged blocks are listed once, however many lie apart") {
    Bench bench;
    const Epoch epoch = bench.begin();
    for (std::uint32_t n = 1; n <= 20; ++n)
        REQUIRE(bench.append(epoch, BlockClass::normal, n, 100).ok());
    SimFlash& flash = bench.harness.device.flash;
    const FlashLayout layout{flash.geometry()};
    const std::size_t first =
        std::size_t{sectors_of(flash, 2)[0]} * layout.sector_bytes + layout.records_at();
    for (std::uint32_t n = 2; n <= 16; n += 2)
        flash.image()[first + (n - 1) * layout.record_bytes(100) + 60] ^= std::byte{1};
    for (int look = 0; look < 4; ++look) {
        CHECK(bench.waiting(BlockClass::normal) ==
              "1.1 1.3 1.5 1.7 1.9 1.11 1.13 1.15 1.17 1.18 1.19 1.20");
        CHECK(bench.spool->losses().entries().size() == 8);
        CHECK(missing(bench, epoch, BlockClass::normal, 20).empty());
        if (look == 1) bench.restart();
    }
    // In the end nothing waits.
    for (int turn = 0; turn < 3; ++turn) {
        bench.mark(epoch, BlockClass::normal, 1, 20);
        CHECK(bench.waiting(BlockClass::normal).empty());
    }
    CHECK(bench.spool->depth().value().waiting[2] == 0);
}

TEST_CASE(
    "flash spool: a sector dropped from between others is not listed again when marks are void") {
    Bench bench{test::when_full(WhenFull::drop_oldest, UINT64_MAX)};
    const Epoch epoch = bench.begin();
    SentMarks sent;
    sent.classes[2].backlog = {epoch, 3};  // the first sector is on its way
    for (std::uint32_t n = 1; bench.spool->losses().empty(); ++n) {
        const BlockSeq seq = BlockSeq::of(BlockClass::normal, n);
        const auto bytes = test::spool_bytes(epoch, seq, 300);
        const SpoolTag tag{{bench.spool->incarnation(), epoch, seq},
                           static_cast<std::uint16_t>(n % 256),
                           std::int64_t{1000} * n,
                           std::int64_t{1000} * n + 999};
        REQUIRE(bench.spool->append(std::array{SpoolBlock{tag, bytes}}, sent).ok());
    }
    const auto losses = bench.spool->losses();
    const std::string waiting = bench.waiting(BlockClass::normal);
    REQUIRE(waiting.starts_with("1.1 "));
    REQUIRE(bench.spool->void_durable().ok());
    bench.restart();
    CHECK(bench.spool->losses() == losses);
    CHECK(bench.waiting(BlockClass::normal) == waiting);
}

TEST_CASE("flash spool: a flash that it cannot use well is refused") {
    const auto opened = [](const FlashGeometry& geometry) {
        test::FlashSpoolOver<SimFlash> device{SimFlash{geometry}};
        return device.open(test::stop_at(UINT64_MAX));
    };
    CHECK(opened({4096, 16, 256}).error() == ErrorCode::too_large);
    CHECK(opened({4096, 16, 128}).error() == ErrorCode::too_large);
    CHECK(opened({4096, 1025, 1}).error() == ErrorCode::too_large);
    CHECK(opened({4096, 1024, 1}).ok());
    CHECK(opened({4096, 16, 64}).ok());
    CHECK(opened({8192, 16, 256}).ok());
}

TEST_CASE("flash spool: the least that it takes holds all small values beside the fullest core") {
    test::SpoolBench<test::FlashSpoolHarness<4096, 64, 4>> bench;
    bench.begin();
    std::uint8_t key = 0;
    for (const std::uint16_t bytes : FlashSpool::values_min) {
        const std::vector<std::byte> value(bytes, std::byte{7});
        CHECK(bench.spool->put_state(++key, value).ok());
    }
}

TEST_CASE("flash spool: sectors that cannot be erased do not come back") {
    for (const SimFlash::Fault fault : {SimFlash::Fault::stuck_erase, SimFlash::Fault::ignored}) {
        Bench bench{test::when_full(WhenFull::drop_oldest, UINT64_MAX)};
        const Epoch epoch = bench.begin();
        std::uint32_t n = 0;
        while (bench.spool->losses().empty())
            REQUIRE(bench.append(epoch, BlockClass::normal, ++n, 300).ok());
        SimFlash& flash = bench.harness.device.flash;
        const auto sectors = sectors_of(flash, 2);
        // Seven where erases do nothing; six where nothing does.
        const std::size_t bad = fault == SimFlash::Fault::ignored ? 6 : 7;
        for (std::size_t i = 0; i < std::min(bad, sectors.size()); ++i)
            flash.set_fault(sectors[i], fault);
        for (std::uint32_t more = 0; more < 100; ++more)
            (void)bench.append(epoch, BlockClass::normal, ++n, 300);
        bench.restart();
        CHECK(missing(bench, epoch, BlockClass::normal, 60).empty());
    }
}
