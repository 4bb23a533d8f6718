// SQLite spools to be damaged, and what has to be left of them.
#pragma once

#include <set>

#include "agent/platform/linux/sqlite_salvage.hpp"
#include "tests/port/spool_contract.hpp"
#include "tests/port/sqlite_sim_harness.hpp"

namespace longhaul::test::damage {

using namespace longhaul::agent;

inline constexpr const char* path = SqliteSimHarness::path;
inline constexpr const char* log_path = "spool.db-wal";
inline constexpr std::uint32_t epochs = 2;
using Blocks = std::set<std::pair<BlockClass, BlockPlace>>;

// A spool with blocks that wait, that are durable, and that were lost; closed in order, or with
// everything that is not a new epoch in its log.
struct Image {
    sim::SimVfs::Files files;
    Incarnation incarnation;
    Blocks waiting;
    std::size_t blocks = 0;  // durable ones as well

    explicit Image(bool closed, std::size_t size = 300) {
        SpoolBench<SqliteSimHarness> bench{when_full(WhenFull::drop_oldest, 12'000 + 20 * size)};
        incarnation = bench.spool->incarnation();
        for (std::uint32_t i = 1; i <= epochs; ++i) {
            const Epoch epoch = bench.begin({1, static_cast<std::uint8_t>(1 + i)});
            REQUIRE(bench.append_some(epoch, BlockClass::normal, 1, 12, size).ok());
            for (std::uint32_t n = 1; n <= 6; ++n)
                REQUIRE(bench.append(epoch, BlockClass::bulk, n, size + 20 * n).ok());
            REQUIRE(bench.append_some(epoch, BlockClass::alarm, 1, 3, size / 2).ok());
            bench.mark(epoch, BlockClass::normal, 4, 7);
            REQUIRE(bench.spool->put_state(1, as_bytes("journal")).ok());
        }
        if (!closed) files = bench.harness.vfs.files();
        bench.restart();
        for (const BlockClass c : {BlockClass::alarm, BlockClass::normal, BlockClass::bulk})
            for (const BlockPlace& place : waiting_of(*bench.spool, c)) waiting.insert({c, place});
        bench.harness.spool.reset();
        if (closed) files = bench.harness.vfs.files();
        bench.restart();
        REQUIRE(bench.spool->void_durable().ok());
        const SpoolDepth depth = bench.spool->depth().value();
        for (const std::uint32_t each : depth.waiting) blocks += each;
    }

    // Whole blocks of a class, each compared with what it was; stops where the spool is damaged.
    std::vector<BlockPlace> waiting_of(Spool& spool, BlockClass block_class) const {
        std::vector<BlockPlace> places;
        std::vector<std::byte> room(20'000);
        BlockPlace after;
        for (unsigned i = 0; i < 1000; ++i) {
            const auto block =
                spool.next(block_class, after.epoch, BlockSeq::of(block_class, after.number), room);
            if (!block.ok()) {
                REQUIRE(
                    (block.error() == ErrorCode::not_found || block.error() == ErrorCode::corrupt));
                return places;
            }
            const auto& [tag, sealed] = block.value();
            REQUIRE(equal(sealed, spool_bytes(tag.name.epoch, tag.name.seq, sealed.size())));
            REQUIRE(tag.samples == tag.name.seq.number() % 256);
            REQUIRE(place_of(tag.name) > after);
            after = longhaul::agent::place_of(tag.name);
            std::vector<std::byte> record(300);
            const auto epoch = spool.read_epoch(after.epoch, record);
            if (!epoch.ok()) {
                REQUIRE(epoch.error() == ErrorCode::corrupt);
                return places;
            }
            REQUIRE(as_text(epoch.value()) == "record " + std::to_string(after.epoch.value));
            places.push_back(after);
        }
        FAIL("next() does not end");
        return places;
    }
};

inline bool covers(const LossLedger& losses, BlockClass block_class, const BlockPlace& place) {
    const auto entries = losses.entries();
    return std::any_of(entries.begin(), entries.end(), [&](const Loss& loss) {
        return loss.block_class == block_class && loss.first <= place && place <= loss.last;
    });
}

// Opens the files, which are damaged, and drains them, again after a salvage; how many blocks are
// gone. Each of them is listed.
inline std::size_t blocks_lost(SqliteSimHarness& harness, const Image& image) {
    Blocks found;
    harness.entropy = SeededEntropy{99};  // another incarnation, if one is drawn
    for (unsigned start = 0; start < 4; ++start) {
        REQUIRE(harness.restart() != nullptr);
        Spool& spool = *harness.spool;
        found.clear();
        for (const BlockClass c : {BlockClass::alarm, BlockClass::normal, BlockClass::bulk})
            for (const BlockPlace& place : image.waiting_of(spool, c)) found.insert({c, place});
        const auto epoch = spool.begin_epoch();
        if (epoch.ok() && spool.incarnation() == image.incarnation)
            CHECK(epoch.value().value > epochs);
        if (!harness.vfs.exists(damage_mark_of(path))) break;
    }
    CHECK_FALSE(harness.vfs.exists(damage_mark_of(path)));
    const LossLedger& losses = harness.spool->losses();
    const bool all_unknown = harness.spool->incarnation() != image.incarnation;
    if (all_unknown) CHECK(losses.entries()[0].first.epoch.value == 0);
    std::size_t lost = 0;
    for (const auto& [block_class, place] : image.waiting) {
        if (found.contains({block_class, place})) continue;
        CAPTURE(static_cast<int>(block_class), place.epoch.value, place.number);
        ++lost;
        if (!all_unknown) CHECK(covers(losses, block_class, place));
    }
    return lost;
}

}  // namespace longhaul::test::damage
