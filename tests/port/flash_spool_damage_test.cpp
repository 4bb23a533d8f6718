// What flash does besides losing power: sectors go bad, bits flip, it wears out.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "tests/port/flash_spool_harness.hpp"
#include "tests/port/spool_contract.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using sim::SimFlash;

namespace {

using Harness = test::FlashSpoolHarness<4096, 1, 4>;
using Bench = test::SpoolBench<Harness>;
using Device = test::FlashSpoolOver<SimFlash>;

struct Found {
    std::set<std::string> waiting;
    std::vector<Loss> losses;
};

// Everything that a spool yields and lists; each block has to be what was stored under its name.
Found take_stock(Spool& spool) {
    Found found;
    std::vector<std::byte> room(5000);
    for (std::size_t c = 0; c < block_class_count; ++c) {
        const auto block_class = static_cast<BlockClass>(c);
        BlockPlace after;
        for (;;) {
            const auto block =
                spool.next(block_class, after.epoch, BlockSeq::of(block_class, after.number), room);
            if (!block.ok()) {
                REQUIRE(block.error() == ErrorCode::not_found);
                break;
            }
            const SpoolTag& tag = block.value().tag;
            REQUIRE(equal(block.value().sealed, test::spool_bytes(tag.name.epoch, tag.name.seq,
                                                                  block.value().sealed.size())));
            after = place_of(tag.name);
            found.waiting.insert(std::to_string(c) + ":" + std::to_string(after.epoch.value) + "." +
                                 std::to_string(after.number));
        }
    }
    const auto losses = spool.losses().entries();
    found.losses.assign(losses.begin(), losses.end());
    return found;
}

// Over epochs, too: nobody knows whether a damaged block was the last of one or the first of the
// next.
bool lists(const std::vector<Loss>& losses, const std::string& name) {
    const auto colon = name.find(':');
    const auto dot = name.find('.');
    const auto block_class = static_cast<BlockClass>(std::stoul(name.substr(0, colon)));
    const Epoch epoch{static_cast<std::uint32_t>(std::stoul(name.substr(colon + 1)))};
    const BlockPlace place{epoch, static_cast<std::uint32_t>(std::stoul(name.substr(dot + 1)))};
    return std::any_of(losses.begin(), losses.end(), [&](const Loss& loss) {
        return loss.block_class == block_class && loss.first <= place && place <= loss.last;
    });
}

// A small spool with something of everything: closed sectors and open ones, marks, state, losses.
void fill_a_little(Bench& bench) {
    for (int boot = 0; boot < 2; ++boot) {
        const Epoch epoch = bench.begin({1, static_cast<std::uint8_t>(2 + boot)});
        for (std::uint32_t n = 1; n <= 9; ++n) {
            REQUIRE(bench.append(epoch, BlockClass::normal, n, 300).ok());
            if (n % 3 == 0) REQUIRE(bench.append(epoch, BlockClass::alarm, n / 3, 100).ok());
        }
        bench.mark(epoch, BlockClass::normal, 2, 3);
        REQUIRE(bench.spool->put_state(1, as_bytes("journal")).ok());
        bench.restart();
    }
}

}  // namespace

TEST_CASE("flash spool: a flipped byte costs one block at most, and that one is listed",
          "[flips]") {
    Bench bench;
    fill_a_little(bench);
    const Found before = take_stock(*bench.spool);
    const SimFlash picture = bench.harness.device.flash;
    std::size_t harmless = 0;
    std::size_t lost = 0;
    // A share of them, unless all are wanted.
    const std::size_t step = std::getenv("LH_SPOOL_CUTS") != nullptr ? 1 : 5;
    for (std::uint32_t sector = 0; sector < Harness::geometry.sectors; ++sector) {
        const std::size_t from = std::size_t{sector} * Harness::geometry.sector_bytes;
        SimFlash flash = picture;
        const auto first = flash.image().begin() + static_cast<std::ptrdiff_t>(from);
        std::size_t used = Harness::geometry.sector_bytes;
        if (is_blank(Bytes{&*first, used}.subspan(flash_unit_bytes_min))) used = 64;
        for (std::size_t at = from + sector % step; at < from + used; at += step) {
            CAPTURE(sector, at - from);
            Device device{picture};
            device.flash.image()[at] ^= std::byte{0x21};
            REQUIRE(device.open(bench.harness.device.policy).ok());
            const Found after = take_stock(*device.spool);
            std::vector<std::string> gone;
            for (const std::string& name : before.waiting)
                if (!after.waiting.contains(name)) gone.push_back(name);
            if (gone.size() > 1) CHECK(gone.size() <= 1);
            for (const std::string& name : gone) {
                CAPTURE(name);
                // The newest of its class may look like one that power cut off: then the epoch's
                // end says so.
                const EpochEnd end = device.spool->previous_end().value();
                const bool cut_off = name == "2:2.9" && end.last_number[2] == 8;
                const bool cut_off_alarm = name == "0:2.3" && end.last_number[0] == 2;
                const bool told = lists(after.losses, name) || cut_off || cut_off_alarm;
                if (!told) CHECK(told);
            }
            // What was done with already may be listed as well, never what is still there.
            for (const std::string& name : after.waiting) {
                const bool both = lists(after.losses, name);
                if (both) CHECK_FALSE(both);
            }
            (gone.empty() ? harmless : lost) += 1;
            // Nothing else has changed: the state, and names that nobody gave before.
            std::vector<std::byte> room(100);
            const auto state = device.spool->read_state(1, room);
            if (!state.ok() || as_text(state.value()) != "journal") CHECK(state.ok());
            for (const std::uint32_t epoch : {1U, 2U}) {
                const auto record = device.spool->read_epoch({epoch}, room);
                if (!record.ok()) CHECK(record.ok());
            }
            const auto next = device.spool->begin_epoch();
            if (!next.ok() || next.value().value < 3) CHECK(next.ok());
        }
    }
    std::printf("flipped bytes: %zu harmless, %zu cost the block that they lie in\n", harmless,
                lost);
    CHECK(lost > 1000);
    CHECK(harmless > 3000);
}

TEST_CASE("flash spool: bad sectors lose nothing, and are set aside") {
    for (const SimFlash::Fault fault : {SimFlash::Fault::error, SimFlash::Fault::ignored,
                                        SimFlash::Fault::flips, SimFlash::Fault::stuck}) {
        for (std::uint32_t seed = 1; seed <= 24; ++seed) {
            CAPTURE(static_cast<int>(fault), seed);
            std::mt19937 random{seed};
            const SpoolPolicy policy = test::with_shares(Harness::small_bytes);
            test::SpoolHistory<Harness> history{policy};
            SimFlash& flash = history.harness.device.flash;
            test::SpoolScript script = test::random_script(seed, 30);
            history.run(script);
            for (int bad = 0; bad < 2; ++bad)
                flash.set_fault(static_cast<std::uint32_t>(random() % Harness::geometry.sectors),
                                fault);
            history.run(test::random_script(seed + 100, 40));
            history.drain();
        }
    }
}

TEST_CASE("flash spool: a boot that power cuts again and again fills nothing and loses nothing") {
    Bench bench;
    const Epoch epoch = bench.begin();
    for (std::uint32_t n = 1; n <= 20; ++n)
        REQUIRE(bench.append(epoch, BlockClass::normal, n).ok());
    const std::string waiting = bench.waiting(BlockClass::normal);
    std::mt19937 random{7};
    SimFlash& flash = bench.harness.device.flash;
    constexpr int boots = 4000;
    for (int boot = 0; boot < boots; ++boot) {
        CAPTURE(boot);
        flash.power_on();
        flash.cut_power_after(1 + random() % 12, SimFlash::torn_modes[random() % 4]);
        if (!bench.harness.device.open(bench.harness.device.policy).ok()) continue;
        Spool& spool = *bench.harness.device.spool;
        const auto begun = spool.begin_epoch();
        if (!begun.ok()) continue;
        const SchemaHash hash = test::schema_hash_of(1);
        (void)spool.store_schema(hash, as_bytes("schema 1"));
        (void)spool.store_epoch(begun.value(), as_bytes("record"), {&hash, 1});
    }
    bench.restart();
    CHECK(bench.waiting(BlockClass::normal) == waiting);
    CHECK(bench.spool->losses().empty());
    const auto next = bench.begin();
    CHECK(next.value > 100);
    CHECK(bench.append(next, BlockClass::normal, 1).ok());
    const SpoolWear wear = bench.spool->wear();
    std::printf("%d boots cut: %llu erases, %u to %u a sector\n", boots,
                static_cast<unsigned long long>(wear.erases), wear.erases_min, wear.erases_max);
    CHECK(wear.erases < 2 * boots);
    CHECK(wear.sectors_bad == 0);
}

TEST_CASE("flash spool: 16 MiB of NOR flash full of blocks are mounted in a second") {
    constexpr FlashGeometry geometry{65536, 256, 1};
    Device device{SimFlash{geometry}};
    REQUIRE(device.open(test::stop_at(UINT64_MAX)).ok());
    Spool* spool = device.spool.get();
    const auto epoch = spool->begin_epoch();
    std::uint64_t blocks = 0;
    std::array<std::uint32_t, block_class_count> numbers{};
    const auto append = [&](BlockClass block_class) {
        const BlockSeq seq =
            BlockSeq::of(block_class, numbers[static_cast<std::size_t>(block_class)] + 1);
        const auto bytes = test::spool_bytes(epoch.value(), seq, 300);
        const SpoolTag tag{{spool->incarnation(), epoch.value(), seq}, 10, 0, 0};
        if (!spool->append(std::array{SpoolBlock{tag, bytes}}, nothing_sent).ok()) return false;
        ++numbers[static_cast<std::size_t>(block_class)];
        ++blocks;
        return true;
    };
    for (int i = 0; i < 100; ++i)
        for (std::size_t c = 0; c < block_class_count; ++c)
            REQUIRE(append(static_cast<BlockClass>(c)));
    while (append(BlockClass::normal)) {
    }
    // Six ranges of marks in each class, each of which divides two sectors.
    for (std::uint32_t range = 0; range < 6; ++range) {
        const std::uint32_t from = 500 + range * 4000;
        REQUIRE(spool
                    ->mark_durable({epoch.value(), BlockSeq::of(BlockClass::normal, from),
                                    BlockSeq::of(BlockClass::normal, from + 900)})
                    .ok());
    }
    const auto waiting = spool->depth().value().waiting;
    device.flash.count_from_here();
    REQUIRE(device.open(test::stop_at(UINT64_MAX)).ok());
    const sim::FlashTotals& totals = device.flash.totals();
    CHECK(device.spool->depth().value().waiting == waiting);
    const std::uint64_t ms = totals.time_ns / 1'000'000;
    // 6 reads a sector; records of 3 sectors of the state twice, of 2 sectors a class, of 12 that
    // marks divide (of 300 bytes: 179 a sector); the blank ends of 6 chains twice, by 224 bytes.
    constexpr std::uint64_t bound = 256 * 6 + (3 * 2 + 8 + 12) * 400 + 6 * 2 * 300;
    std::printf(
        "mount of 16 MiB, %llu blocks: %llu reads (bound %llu), %llu ms simulated, %zu + %zu bytes "
        "of memory\n",
        static_cast<unsigned long long>(blocks), static_cast<unsigned long long>(totals.reads),
        static_cast<unsigned long long>(bound), static_cast<unsigned long long>(ms),
        FlashSpool::memory_bytes(geometry), sizeof(FlashSpool));
    CHECK(blocks > 40'000);
    CHECK(totals.reads <= bound);
    CHECK(ms <= 1000);
}

TEST_CASE("flash spool: sectors wear evenly") {
    Bench bench{test::when_full(WhenFull::drop_oldest, UINT64_MAX)};
    std::uint32_t number = 0;
    Epoch epoch = bench.begin();
    for (int turn = 0; turn < 100; ++turn) {
        for (int i = 0; i < 150; ++i) {
            REQUIRE(bench.append(epoch, BlockClass::normal, ++number, 300).ok());
            if (i % 10 == 0) bench.mark(epoch, BlockClass::normal, 1, number - 5);
        }
        bench.restart();
        epoch = bench.begin();
        number = 0;
    }
    const SpoolWear wear = bench.spool->wear();
    std::printf("wear: %u to %u erases a sector, %llu in all; %.2f bytes written a byte stored\n",
                wear.erases_min, wear.erases_max, static_cast<unsigned long long>(wear.erases),
                static_cast<double>(bench.harness.device.flash.totals().bytes_programmed) /
                    (100.0 * 150 * 300));
    CHECK(wear.erases_min > 50);
    // None much more than the others on average; what stays where it is wears less.
    CHECK(wear.erases_max <= wear.erases / wear.sectors * 5 / 4 + 4);
}
