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
