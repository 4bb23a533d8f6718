// Sectors with right checksums that say what cannot be: whoever can write the flash forged them.
// What is stored from then on is kept all the same. tests/fuzz/flash_spool_fuzz.cpp tries others.
#include <functional>

#include "common/base/crc32c.hpp"
#include "tests/port/flash_spool_harness.hpp"
#include "tests/port/spool_contract.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using sim::SimFlash;

namespace {

using Harness = test::FlashSpoolHarness<4096, 1, 8>;
using Bench = test::SpoolBench<Harness>;

const FlashLayout layout{Harness::geometry};

void lay(SimFlash& flash, std::uint32_t sector, std::uint32_t offset, Bytes bytes) {
    std::copy(bytes.begin(), bytes.end(),
              flash.image().begin() + std::ptrdiff_t{sector} * layout.sector_bytes + offset);
}

void lay_header(SimFlash& flash, std::uint32_t sector, const SectorHeader& header) {
    std::array<std::byte, sector_header_bytes> room;
    ByteWriter out{room};
    write_sector_header(header, out);
    for (std::uint32_t copy = 0; copy < 2; ++copy) lay(flash, sector, layout.header_at(copy), room);
}

void lay_core(SimFlash& flash, std::uint32_t sector, std::uint32_t order, std::uint32_t serial,
              const FlashCore& core) {
    std::array<std::byte, FlashCore::stored_bytes_max> body;
    ByteWriter body_out{body};
    core.write(body_out);
    RecordHeader header;
    header.kind = RecordKind::core;
    header.place.number = serial;
    header.body_bytes = static_cast<std::uint16_t>(body_out.written().size());
    header.body_crc = crc32c(body_out.written());
    std::array<std::byte, record_header_bytes> room;
    ByteWriter out{room};
    write_record_header(header, {order, layout.records_at()}, out);
    lay(flash, sector, layout.records_at(), room);
    lay(flash, sector, layout.records_at() + layout.up(record_header_bytes), body_out.written());
}

// The last sectors of the flash are free, and take what is forged.
constexpr std::uint32_t forged_sector = Harness::geometry.sectors - 1;
// Higher than those of a young spool.
constexpr std::uint32_t forged_order = 20;

using Forge = std::function<void(SimFlash& flash, Incarnation incarnation)>;

Forge forged_core(const FlashCore& forged, std::uint32_t serial = 50) {
    return [forged, serial](SimFlash& flash, Incarnation incarnation) {
        FlashCore core = forged;
        core.incarnation = incarnation;
        lay_header(flash, forged_sector, {forged_order, chain_state, incarnation, 3, {}, {}});
        lay_core(flash, forged_sector, forged_order, serial, core);
    };
}

Forge forged_class_sector(std::uint32_t order, const BlockPlace& first) {
    return [order, first](SimFlash& flash, Incarnation incarnation) {
        lay_header(flash, forged_sector, {order, 2, incarnation, 3, first, {}});
    };
}

void store(Bench& bench, Epoch epoch) {
    for (std::uint32_t n = 1; n <= 5; ++n)
        REQUIRE(bench.append(epoch, BlockClass::normal, n, 100).ok());
}

// Blocks that are stored after the forged sector was found are there after the next start.
void check_lives_on(Bench& bench) {
    bench.restart();
    const Epoch epoch = bench.begin();
    store(bench, epoch);
    bench.restart();
    std::string wanted;
    for (int n = 1; n <= 5; ++n)
        wanted += " " + std::to_string(epoch.value) + "." + std::to_string(n);
    CHECK((" " + bench.waiting(BlockClass::normal)).ends_with(wanted));
    CHECK(bench.begin() > epoch);
}

FlashCore core_of(const std::function<void(FlashCore&)>& change) {
    FlashCore core;
    core.epoch_counter = 3;
    core.order_max = forged_order;
    change(core);
    return core;
}

}  // namespace

TEST_CASE("flash spool: what forged sectors say of what is still to come hides nothing of it") {
    const std::array<std::pair<const char*, Forge>, 7> cases{{
        {"a sector whose blocks are to come", forged_class_sector(forged_order, {{9}, 1})},
        {"an order that is there twice", forged_class_sector(5, {{1}, 1})},
        {"sectors to come are freed",
         forged_core(core_of([](FlashCore& core) { core.freeing = forged_order + 2; }))},
        {"sectors to come are given up", forged_core(core_of([](FlashCore& core) {
             for (std::uint32_t i = 1; i <= FlashCore::given_up_max; ++i)
                 core.give_up(forged_order + i);
         }))},
        {"blocks to come are lost", forged_core(core_of([](FlashCore& core) {
             core.losses.add({BlockClass::normal, LossReason::corrupt, {{1}, 1}, {{9}, 9}});
         }))},
        {"blocks to come are done with", forged_core(core_of([](FlashCore& core) {
             core.classes[2].done.add({{{1}, 1}, {{9}, 9}}, {});
         }))},
        {"blocks to come are stored",
         forged_core(core_of([](FlashCore& core) { core.classes[2].stored = {{9}, 9}; }))},
    }};
    for (const auto& [what, forge] : cases) {
        CAPTURE(what);
        Bench bench;
        store(bench, bench.begin());
        forge(bench.harness.device.flash, bench.spool->incarnation());
        check_lives_on(bench);
    }
}

TEST_CASE("flash spool: when a forged number leaves none to give, it begins anew and says so") {
    const auto sector = [](const SectorHeader& header) -> Forge {
        return [header](SimFlash& flash, Incarnation incarnation) {
            SectorHeader forged = header;
            forged.incarnation = incarnation;
            lay_header(flash, forged_sector, forged);
        };
    };
    const std::array<std::pair<const char*, Forge>, 3> cases{{
        {"order", sector({UINT32_MAX - 1, 2, {}, 3, {{1}, 1}, {}})},
        {"epoch", sector({forged_order, 2, {}, UINT32_MAX, {{1}, 1}, {}})},
        {"serial", forged_core(core_of([](FlashCore&) {}), UINT32_MAX - 2)},
    }};
    for (const auto& [what, forge] : cases) {
        CAPTURE(what);
        Bench bench;
        store(bench, bench.begin());
        const Incarnation before = bench.spool->incarnation();
        forge(bench.harness.device.flash, before);
        bench.restart();
        CHECK(bench.spool->incarnation() != before);
        REQUIRE(bench.spool->losses().entries().size() == 1);
        CHECK(bench.spool->losses().entries()[0].last.epoch.value == 0);
        check_lives_on(bench);
        CHECK(bench.spool->losses().entries().size() == 1);
    }
}
