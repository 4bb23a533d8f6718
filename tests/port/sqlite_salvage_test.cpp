// What becomes of an SQLite spool that cannot be read any more.
#include "tests/port/sqlite_image.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;
using namespace longhaul::test::damage;

TEST_CASE("sqlite spool: a page that the medium cannot read costs the blocks on it") {
    const Image image{true};
    for (std::size_t at = 0; at < image.files.at(path).size(); at += 4096) {
        CAPTURE(at);
        SqliteSimHarness harness;
        harness.policy = stop_at(1 << 20);
        harness.vfs.set_files(image.files);
        harness.vfs.make_unreadable(path, at);
        const std::size_t lost = blocks_lost(harness, image);
        if (harness.spool->incarnation() == image.incarnation) CHECK(lost <= 4096 / 150 + 1);
    }
}

TEST_CASE("sqlite spool: a log that the medium cannot read ends earlier, or is set aside") {
    const Image image{false};
    for (std::size_t at = 0; at < image.files.at(log_path).size(); at += 4096) {
        CAPTURE(at);
        SqliteSimHarness harness;
        harness.policy = stop_at(1 << 20);
        harness.vfs.set_files(image.files);
        harness.vfs.make_unreadable(log_path, at);
        REQUIRE(harness.restart() != nullptr);
        CHECK(harness.spool->incarnation() == image.incarnation);
        CHECK(harness.spool->begin_epoch().value().value > epochs);
    }
}

TEST_CASE("sqlite spool: a count of tables that rots to nothing is no new spool") {
    const Image image{true};
    SqliteSimHarness harness;
    harness.policy = stop_at(1 << 20);
    harness.vfs.set_files(image.files);
    constexpr std::size_t cells_at = 104;
    harness.vfs.flip(path, cells_at, image.files.at(path)[cells_at]);
    CHECK(blocks_lost(harness, image) == 0);
    CHECK(harness.spool->incarnation() == image.incarnation);
    CHECK(harness.vfs.exists("spool.db.damaged-1"));
}

TEST_CASE("sqlite spool: three files that were set aside are kept") {
    const Image image{true};
    SqliteSimHarness harness;
    harness.policy = stop_at(1 << 20);
    harness.vfs.set_files(image.files);
    for (unsigned i = 1; i <= 9; ++i) {
        harness.spool.reset();
        harness.vfs.flip(path, 3, std::byte{1});
        REQUIRE(harness.restart() != nullptr);
        const auto there = [&](unsigned number) {
            return harness.vfs.exists("spool.db.damaged-" + std::to_string((number + 3) % 4 + 1));
        };
        CAPTURE(i);
        CHECK(there(i));
        CHECK(there(i + 3) == (i >= 2));
        CHECK(there(i + 2) == (i >= 3));
        CHECK_FALSE(there(i + 1));
    }
    CHECK(blocks_lost(harness, image) == 0);
}

TEST_CASE("sqlite spool: an epoch counter at its end is told, and does not begin again") {
    const Image image{true};
    SqliteSimHarness harness;
    harness.policy = stop_at(1 << 20);
    harness.vfs.set_files(image.files);
    REQUIRE(harness.restart() != nullptr);
    const SpoolBlock last{
        {{image.incarnation, {UINT32_MAX - 5}, BlockSeq::of(BlockClass::normal, 1)}, 1, 0, 0},
        as_bytes("sealed")};
    const SchemaHash hash = schema_hash_of(2);
    REQUIRE(harness.spool->store_epoch({UINT32_MAX - 5}, as_bytes("record"), {&hash, 1}).ok());
    REQUIRE(harness.spool->append({&last, 1}, nothing_sent).ok());
    harness.spool.reset();
    harness.vfs.flip(path, 3, std::byte{1});
    REQUIRE(harness.restart() != nullptr);
    CHECK(harness.spool->begin_epoch().error() == ErrorCode::unsupported);
    REQUIRE(harness.restart() != nullptr);
    CHECK(harness.spool->begin_epoch().error() == ErrorCode::unsupported);
}

namespace {

// The blocks of one class that wait.
std::set<std::uint32_t> numbers_of(Spool& spool, BlockClass block_class) {
    std::set<std::uint32_t> found;
    std::vector<std::byte> room(20'000);
    for (BlockPlace after;;) {
        const auto block =
            spool.next(block_class, after.epoch, BlockSeq::of(block_class, after.number), room);
        if (!block.ok()) return found;
        after = longhaul::agent::place_of(block.value().tag.name);
        found.insert(after.number);
    }
}

}  // namespace

TEST_CASE(
    "sqlite spool: a salvage that finds no block of an epoch tells of the power cut before it") {
    for (const bool clean : {false, true}) {
        CAPTURE(clean);
        SpoolBench<SqliteSimHarness> bench;
        REQUIRE(bench.append(bench.begin(), BlockClass::normal, 1).ok());
        bench.restart();
        const Epoch second = bench.begin_after(clean);
        REQUIRE(bench.append(second, BlockClass::bulk, 1).ok());
        bench.harness.spool.reset();
        const std::vector<std::byte> file = bench.harness.vfs.files().at(path);
        const auto sealed = spool_bytes(second, BlockSeq::of(BlockClass::bulk, 1), 500);
        const auto found = std::search(file.begin(), file.end(), sealed.begin(), sealed.end());
        REQUIRE(found != file.end());
        bench.harness.vfs.flip(path, static_cast<std::size_t>(found - file.begin()), std::byte{1});
        bench.harness.vfs.flip(path, 3, std::byte{1});
        bench.restart();
        CHECK(bench.waiting(BlockClass::normal) == "1.1");
        CHECK(covers(bench.spool->losses(), BlockClass::bulk, {second, 1}));
        CHECK(cuts_in(bench.spool->losses()) == (clean ? "" : "normal 1.2 from 1999"));
    }
}

TEST_CASE("sqlite spool: what comes back from free pages hides nothing that is gone") {
    SpoolBench<SqliteSimHarness> bench{when_full(WhenFull::drop_oldest, 200 * 628)};
    const Epoch epoch = bench.begin();
    for (std::uint32_t n = 1; n <= 200; ++n)
        REQUIRE(bench.append(epoch, BlockClass::normal, n, 500).ok());
    bench.mark(epoch, BlockClass::normal, 1, 40);
    bench.harness.policy.bytes_max = 160 * 628;
    bench.restart();
    REQUIRE(bench.append(epoch, BlockClass::alarm, 1, 10).ok());  // those 40 go
    bench.harness.spool.reset();
    const auto files = bench.harness.vfs.files();
    for (std::size_t page = 0; page < files.at(path).size() / 4096; ++page) {
        SqliteSimHarness harness;
        harness.policy = stop_at(1 << 20);
        harness.vfs.set_files(files);
        for (std::size_t i = 0; i < 4096; ++i)
            harness.vfs.flip(path, page * 4096 + i, std::byte{0x5a});
        std::set<std::uint32_t> found;
        for (int start = 0; start < 4; ++start) {
            REQUIRE(harness.restart() != nullptr);
            found = numbers_of(*harness.spool, BlockClass::normal);
            if (!harness.vfs.exists(damage_mark_of(path))) break;
        }
        for (std::uint32_t n = 42; n <= 200; ++n) {
            CAPTURE(page, n);
            if (!found.contains(n))
                CHECK(covers(harness.spool->losses(), BlockClass::normal, {epoch, n}));
        }
    }
}
