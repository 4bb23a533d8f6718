// Files of SQLite spools in which a byte has rotted, and files of version 1.
#include <cstdio>

#include "tests/port/sqlite_image.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;
using namespace longhaul::test::damage;

TEST_CASE("sqlite spool: a byte that rots costs one block at most, and that is listed", "[flips]") {
    const Image image{true};
    REQUIRE(image.waiting.size() > 20);
    const std::size_t bytes = image.files.at(path).size();
    // Each byte has one bit flipped, becomes 0x00, and becomes 0xff: a third of them each.
    const std::uint64_t stride =
        std::max<std::uint64_t>(1, 3 * bytes / std::max<std::uint64_t>(spool_cuts_wanted(2100), 1));
    std::mt19937 random{11};  // the seed
    std::size_t flips = 0;
    std::size_t worst = 0;
    std::size_t set_aside = 0;
    for (std::size_t i = 0; i < 3 * bytes; i += stride) {
        const std::size_t at = i / 3;
        const std::byte old = image.files.at(path)[at];
        const std::byte masks[] = {std::byte{static_cast<unsigned char>(1U << random() % 8)}, old,
                                   ~old};
        const std::byte mask = masks[i % 3];
        if (mask == std::byte{0}) continue;
        ++flips;
        CAPTURE(at, static_cast<int>(mask));
        SqliteSimHarness harness;
        harness.policy = stop_at(1 << 20);
        harness.vfs.set_files(image.files);
        harness.vfs.flip(path, at, mask);
        const std::size_t lost = blocks_lost(harness, image);
        CHECK(lost <= 1);
        worst = std::max(worst, lost);
        set_aside += harness.vfs.exists("spool.db.damaged-1") ? 1U : 0U;
    }
    std::printf(
        "sqlite spool: %zu times one of %zu bytes rotten, seed 11: %zu blocks lost at most; the "
        "file set aside %zu times\n",
        flips, bytes, worst, set_aside);
}

TEST_CASE("sqlite spool: a byte that rots in the log ends it earlier, and no name comes twice") {
    const Image image{false};
    const std::size_t bytes = image.files.at(log_path).size();
    const std::uint64_t stride =
        std::max<std::uint64_t>(1, bytes / std::max<std::uint64_t>(spool_cuts_wanted(1000), 1));
    for (std::size_t at = 0; at < bytes; at += stride) {
        CAPTURE(at);
        SqliteSimHarness harness;
        harness.policy = stop_at(1 << 20);
        harness.vfs.set_files(image.files);
        harness.vfs.flip(log_path, at, std::byte{0x10});
        REQUIRE(harness.restart() != nullptr);
        CHECK(harness.spool->incarnation() == image.incarnation);
        for (const BlockClass c : {BlockClass::alarm, BlockClass::normal, BlockClass::bulk})
            image.waiting_of(*harness.spool, c);
        CHECK(harness.spool->begin_epoch().value().value > epochs);
        CHECK_FALSE(harness.vfs.exists("spool.db.damaged-1"));
    }
}

TEST_CASE("sqlite spool: a page that rots costs the blocks on it, each listed") {
    for (const std::size_t size : {60U, 300U, 1100U, 3000U}) {
        const Image image{true, size};
        const std::size_t pages = image.files.at(path).size() / 4096;
        for (std::size_t page = 0; page < pages; ++page) {
            CAPTURE(size, page);
            SqliteSimHarness harness;
            harness.policy = stop_at(1 << 20);
            harness.vfs.set_files(image.files);
            for (std::size_t i = 0; i < 4096; ++i)
                harness.vfs.flip(path, page * 4096 + i, std::byte{0x5a});
            const std::size_t lost = blocks_lost(harness, image);
            if (harness.spool->incarnation() == image.incarnation)
                CHECK(lost <= 4096 / (size / 2) + 1);
        }
    }
}

TEST_CASE("sqlite spool: power may fail at any step of a salvage") {
    const Image image{true};
    for (std::uint64_t at = 1;; ++at) {
        CAPTURE(at);
        SqliteSimHarness harness{{0, 0, static_cast<std::uint32_t>(at)}};
        harness.policy = stop_at(1 << 20);
        harness.vfs.set_files(image.files);
        harness.vfs.flip(path, 3, std::byte{1});
        harness.vfs.cut_after(at);
        REQUIRE(harness.restart() != nullptr);
        const bool done = harness.vfs.steps_taken() < at;
        harness.vfs.cut_after(UINT64_MAX);
        CHECK(harness.spool->begin_epoch().value().value >= epochs + 65'536);
        CHECK(harness.vfs.exists("spool.db.damaged-1"));
        CHECK_FALSE(harness.vfs.exists("spool.db.damaged-2"));
        CHECK(blocks_lost(harness, image) == 0);
        if (done) break;
    }
}

TEST_CASE("sqlite spool: a salvage says what it did") {
    const Image image{true};
    SqliteSimHarness harness;
    harness.policy = stop_at(1 << 20);
    harness.vfs.set_files(image.files);
    harness.vfs.flip(path, 3, std::byte{1});
    REQUIRE(harness.restart() != nullptr);
    CHECK(harness.spool->set_aside() ==
          "spool.db could not be read; set aside as spool.db.damaged-1; " +
              std::to_string(image.blocks) + " blocks taken over, 0 lost");
    std::vector<std::byte> room(100);
    CHECK(as_text(harness.spool->read_state(1, room).value()) == "journal");
    REQUIRE(harness.restart() != nullptr);
    CHECK(harness.spool->set_aside().empty());
}

namespace {

constexpr const char* tables_of_version_1 = R"sql(
CREATE TABLE spool (id INTEGER PRIMARY KEY CHECK (id = 0), incarnation INTEGER NOT NULL,
                    epoch INTEGER NOT NULL);
CREATE TABLE state (key INTEGER PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE schemas (hash BLOB NOT NULL PRIMARY KEY, encoded BLOB NOT NULL);
CREATE TABLE epochs (epoch INTEGER PRIMARY KEY, record BLOB NOT NULL);
CREATE TABLE epoch_schemas (epoch INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL,
                            PRIMARY KEY (epoch, place)) WITHOUT ROWID;
CREATE TABLE ends (epoch INTEGER NOT NULL, class INTEGER NOT NULL, last_number INTEGER NOT NULL,
                   last_us INTEGER NOT NULL, PRIMARY KEY (epoch, class)) WITHOUT ROWID;
CREATE TABLE blocks (id INTEGER PRIMARY KEY, class INTEGER NOT NULL, epoch INTEGER NOT NULL,
                     number INTEGER NOT NULL, samples INTEGER NOT NULL, first_us INTEGER NOT NULL,
                     last_us INTEGER NOT NULL, bytes INTEGER NOT NULL,
                     durable INTEGER NOT NULL DEFAULT 0, sealed BLOB NOT NULL);
CREATE UNIQUE INDEX blocks_by_name ON blocks (class, epoch, number);
CREATE INDEX blocks_waiting ON blocks (class, epoch, number) WHERE durable = 0;
CREATE INDEX blocks_durable ON blocks (id) WHERE durable = 1;
INSERT INTO spool VALUES (0, 4242, 2);
INSERT INTO state VALUES (1, x'6162');
INSERT INTO schemas VALUES (x'0101010101010101010101010101010101010101010101010101010101010101',
                            x'736368656d61');
INSERT INTO epochs VALUES (1, x'7265636f72642031'), (2, x'7265636f72642032');
INSERT INTO epoch_schemas SELECT epoch, 0, (SELECT hash FROM schemas) FROM epochs;
INSERT INTO ends VALUES (1, 2, 9, 9999), (2, 2, 4, 4999);
PRAGMA application_id = 1279808336; PRAGMA user_version = 1;
)sql";

// Blocks 6 to 9 of epoch 1, of which 7 is durable, and 1 to 4 of epoch 2.
sim::SimVfs::Files files_of_version_1() {
    SqliteSimHarness harness;
    auto database = SqliteDatabase::open(path, SqliteAccess::make, 0, harness.vfs.name());
    REQUIRE(database.ok());
    REQUIRE(database.value()
                .execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL")
                .ok());
    REQUIRE(database.value().execute(tables_of_version_1).ok());
    const auto insert = database.value().prepare(
        "INSERT INTO blocks (class, epoch, number, samples, first_us, last_us, bytes, durable,"
        " sealed) VALUES (2, ?1, ?2, ?3, ?4, ?5, 628, ?6, ?7)");
    REQUIRE(insert.ok());
    for (const auto& [epoch, first, last] : {std::array{1U, 6U, 9U}, std::array{2U, 1U, 4U}}) {
        for (std::uint32_t n = first; n <= last; ++n) {
            const auto sealed = spool_bytes({epoch}, BlockSeq::of(BlockClass::normal, n), 500);
            SqliteQuery query{insert.value()};
            query.bind(epoch).bind(n).bind(n).bind(1000 * n).bind(1000 * n + 999);
            query.bind(epoch == 1 && n == 7 ? 1 : 0).bind(Bytes{sealed});
            REQUIRE(query.run().ok());
        }
    }
    return harness.vfs.files();
}

}  // namespace

TEST_CASE("sqlite spool: one of version 1 is taken over, wherever power fails") {
    const sim::SimVfs::Files files = files_of_version_1();
    for (std::uint64_t at = 1;; ++at) {
        CAPTURE(at);
        SpoolBench<SqliteSimHarness> bench;
        bench.harness.spool.reset();
        bench.harness.vfs.set_files(files);
        const std::uint64_t before = bench.harness.vfs.steps_taken();
        bench.harness.vfs.cut_after(at);
        bench.restart();
        const bool done = bench.harness.vfs.steps_taken() - before < at;
        bench.harness.vfs.power_on(1);
        Spool& spool = *bench.spool;
        CHECK(bench.harness.spool->set_aside().empty());
        CHECK(spool.incarnation().value == 4242);
        CHECK(bench.waiting(BlockClass::normal) == "1.6 1.8 1.9 2.1 2.2 2.3 2.4");
        std::vector<std::byte> room(100);
        CHECK(as_text(spool.read_state(1, room).value()) == "ab");
        CHECK(as_text(spool.read_schema(schema_hash_of(1), room).value()) == "schema");
        CHECK(as_text(spool.read_epoch({2}, room).value()) == "record 2");
        std::array<SchemaHash, 2> schemas;
        CHECK(spool.waiting_schemas(schemas).value() == 1);
        const EpochEnd end = spool.previous_end().value();
        CHECK(end.epoch.value == 2);
        CHECK(end.last_number[2] == 4);
        REQUIRE(spool.void_durable().ok());
        CHECK(bench.waiting(BlockClass::normal) == "1.6 1.7 1.8 1.9 2.1 2.2 2.3 2.4");
        CHECK(spool.begin_epoch().value().value == 3);
        CHECK(spool.losses().empty());
        bench.restart();
        CHECK(bench.waiting(BlockClass::normal) == "1.6 1.7 1.8 1.9 2.1 2.2 2.3 2.4");
        if (done) break;
    }
}
