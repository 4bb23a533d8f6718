#include "agent/platform/linux/sqlite_spool.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>

#include "agent/platform/linux/linux_ports.hpp"
#include "tests/port/spool_contract.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using longhaul::test::TemporaryFolder;

namespace {

struct SqliteSpoolHarness {
    static constexpr std::uint64_t small_bytes = 20'000;
    static constexpr std::size_t undroppable_max = 8;  // as in sqlite_sim_harness.hpp
    TemporaryFolder folder;
    LinuxEntropy entropy;
    SpoolPolicy policy;
    std::unique_ptr<SqliteSpool> spool;

    Spool& open(const SpoolPolicy& wanted) {
        policy = wanted;
        return *restart();
    }
    Spool* restart() {
        spool.reset();
        auto opened = SqliteSpool::open(folder / "spool.db", policy, entropy);
        REQUIRE(opened.ok());
        spool = std::move(opened).value();
        return spool.get();
    }
    bool power_lost() const { return false; }
};

using Bench = test::SpoolBench<SqliteSpoolHarness>;

// In a process of its own: appends until it is killed, and reports each block that is kept.
[[noreturn]] void append_until_killed(const std::string& path, int report) {
    LinuxEntropy entropy;
    auto opened = SqliteSpool::open(path, test::stop_at(1 << 20), entropy);
    if (!opened.ok()) ::_exit(1);
    Spool& spool = *opened.value();
    const auto epoch = spool.begin_epoch();
    const SchemaHash hash = test::schema_hash_of(1);
    if (!epoch.ok() || !spool.store_schema(hash, as_bytes("schema 1")).ok() ||
        !spool.store_epoch(epoch.value(), as_bytes("record"), {&hash, 1}).ok()) {
        ::_exit(1);
    }
    for (std::uint32_t number = 1;; ++number) {
        const BlockSeq seq = BlockSeq::of(BlockClass::normal, number);
        const SpoolTag tag{{spool.incarnation(), epoch.value(), seq},
                           static_cast<std::uint16_t>(number % 256),
                           std::int64_t{1000} * number,
                           std::int64_t{1000} * number + 999};
        const auto bytes = test::spool_bytes(epoch.value(), seq, 500);
        if (!spool.append(std::array{SpoolBlock{tag, bytes}}, nothing_sent).ok()) ::_exit(1);
        const auto told = static_cast<unsigned char>(number);
        if (::write(report, &told, 1) != 1) ::_exit(1);
    }
}

}  // namespace

// On a disk; everything else of the contract runs on a simulated one, which has no syncs to wait
// for.
TEST_CASE("sqlite spool: keeps its contract on a disk") {
    test::spool_yields_in_order<SqliteSpoolHarness>();
    test::spool_marks_durable<SqliteSpoolHarness>();
    test::spool_knows_depth<SqliteSpoolHarness>();
    test::spool_keeps_state<SqliteSpoolHarness>();
    test::spool_stands_random_histories<SqliteSpoolHarness>(2);
}

TEST_CASE(
    "sqlite spool: what was appended is there after the process was killed, whole and in order") {
    std::mt19937 random{42};
    SqliteSpoolHarness harness;
    harness.open(test::stop_at(1 << 20));
    for (std::uint32_t round = 1; round <= 8; ++round) {
        harness.spool.reset();
        int pipe[2];
        REQUIRE(::pipe(pipe) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) append_until_killed(harness.folder / "spool.db", pipe[1]);
        ::close(pipe[1]);
        const auto enough = static_cast<std::uint32_t>(1 + random() % 12);
        unsigned char told = 0;
        for (std::uint32_t n = 0; n < enough; ++n) REQUIRE(::read(pipe[0], &told, 1) == 1);
        REQUIRE(::kill(child, SIGKILL) == 0);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        // It may have got a little further before the signal came.
        while (::read(pipe[0], &told, 1) == 1) {
        }
        ::close(pipe[0]);

        Spool& spool = *harness.restart();
        const EpochEnd end = spool.previous_end().value();
        CAPTURE(round, told);
        CHECK(end.epoch.value == round);
        // At most the block that was being reported is there beyond what was told.
        const std::uint32_t kept = end.last_number[static_cast<std::size_t>(BlockClass::normal)];
        CHECK(kept >= told);
        CHECK(kept <= told + 1U);
        std::vector<std::byte> room(1000);
        for (std::uint32_t n = 1; n <= kept; ++n) {
            const BlockSeq seq = BlockSeq::of(BlockClass::normal, n);
            const auto block = spool.next(BlockClass::normal, {round},
                                          BlockSeq::of(BlockClass::normal, n - 1), room);
            REQUIRE(block.ok());
            CHECK(block.value().tag.name.seq == seq);
            CHECK(equal(block.value().sealed, test::spool_bytes({round}, seq, 500)));
        }
    }
}

TEST_CASE("sqlite spool: records of epochs without blocks go, the newest stays") {
    Bench bench{4000};
    const Epoch first = bench.begin({1});
    REQUIRE(bench.append(first, BlockClass::normal, 1).ok());
    bench.mark(first, BlockClass::normal, 1, 1);
    const Epoch second = bench.begin({2});
    for (std::uint32_t n = 1; n <= 6; ++n)
        REQUIRE(bench.append(second, BlockClass::normal, n).ok());
    std::vector<std::byte> room(100);
    CHECK(bench.spool->read_epoch(first, room).error() == ErrorCode::not_found);
    CHECK(bench.spool->read_schema(test::schema_hash_of(1), room).error() == ErrorCode::not_found);
    CHECK(bench.spool->read_epoch(second, room).ok());
    CHECK(bench.spool->read_schema(test::schema_hash_of(2), room).ok());
}

TEST_CASE("sqlite spool: a record without a block does not hide how the epoch before ended") {
    Bench bench{4000};
    const Epoch first = bench.begin();
    for (std::uint32_t n = 1; n <= 3; ++n) REQUIRE(bench.append(first, BlockClass::bulk, n).ok());
    bench.mark(first, BlockClass::bulk, 1, 3);
    bench.restart();
    bench.begin();  // and power is cut before its first block
    bench.restart();
    EpochEnd end = bench.spool->previous_end().value();
    CHECK(end.epoch == first);
    CHECK(end.last_number[3] == 3);

    // Nor does it go with the blocks of that epoch, while nothing newer has one.
    const Epoch third = bench.begin();
    for (std::uint32_t n = 1; n <= 6; ++n) REQUIRE(bench.append(third, BlockClass::live, n).ok());
    bench.restart();
    end = bench.spool->previous_end().value();
    CHECK(end.epoch == third);
    std::vector<std::byte> room(100);
    CHECK(bench.spool->read_epoch(third, room).ok());
    CHECK(bench.spool->read_epoch(first, room).error() == ErrorCode::not_found);
}

TEST_CASE("sqlite spool: one agent at a time") {
    SqliteSpoolHarness harness;
    harness.open(test::stop_at(1 << 20));
    const auto again =
        SqliteSpool::open(harness.folder / "spool.db", test::stop_at(1 << 20), harness.entropy);
    REQUIRE_FALSE(again.ok());
    CHECK(again.error().text.find("another program has the database open") != std::string::npos);
}

TEST_CASE("sqlite spool: nobody else can read its files, which hold the ticket of the device") {
    namespace fs = std::filesystem;
    SqliteSpoolHarness harness;
    const auto mode = [&](const char* file) {
        return fs::status(harness.folder / file).permissions();
    };
    constexpr fs::perms own = fs::perms::owner_read | fs::perms::owner_write;
    constexpr fs::perms others = own | fs::perms::group_read | fs::perms::others_read;
    harness.open(test::stop_at(1 << 20));
    CHECK(mode("spool.db") == own);
    CHECK(mode("spool.db-wal") == own);
    harness.spool.reset();
    fs::permissions(harness.folder / "spool.db", others);  // as older versions made it
    harness.restart();
    CHECK(mode("spool.db") == own);
    CHECK(mode("spool.db-wal") == own);
    harness.spool.reset();
    std::ofstream{harness.folder / "spool.db"} << std::string(5000, 'x');
    fs::permissions(harness.folder / "spool.db", others);
    harness.restart();
    CHECK(mode("spool.db") == own);
    CHECK(mode("spool.db.damaged-1") == own);
}

TEST_CASE("sqlite spool: what is no database is set aside, somebody else's is refused") {
    const TemporaryFolder folder;
    LinuxEntropy entropy;
    SECTION("a text") {
        const std::string text(5000, 'x');
        std::ofstream{folder / "spool.db"} << text;
        const auto opened = SqliteSpool::open(folder / "spool.db", test::stop_at(1 << 20), entropy);
        REQUIRE(opened.ok());
        CHECK(opened.value()->set_aside() ==
              folder / "spool.db" + " could not be read; set aside as " +
                  (folder / "spool.db.damaged-1") + "; nothing in it could be taken over");
        CHECK(std::filesystem::file_size(folder / "spool.db.damaged-1") == text.size());
        CHECK_FALSE(std::filesystem::exists(folder / "spool.db.damaged"));
        REQUIRE(opened.value()->losses().entries().size() == 1);
        CHECK(opened.value()->losses().entries()[0].first.epoch.value == 0);
    }
    SECTION("another application's database") {
        const auto read = [&] {
            std::ifstream in{folder / "spool.db", std::ios::binary};
            return std::string{std::istreambuf_iterator<char>{in}, {}};
        };
        {
            auto other = SqliteDatabase::open(folder / "spool.db", SqliteAccess::make, 0);
            REQUIRE(other.ok());
            REQUIRE(other.value().execute("CREATE TABLE accounts (id INTEGER)").ok());
        }
        const std::string before = read();
        const auto opened = SqliteSpool::open(folder / "spool.db", test::stop_at(1 << 20), entropy);
        REQUIRE_FALSE(opened.ok());
        CHECK(opened.error().text.find("this is not a spool") != std::string::npos);
        CHECK(read() == before);
        CHECK_FALSE(std::filesystem::exists(folder / "spool.db.reserve"));
    }
    SECTION("a folder that does not exist") {
        const auto opened =
            SqliteSpool::open(folder / "spool.db" + "/x/spool.db", test::stop_at(1 << 20), entropy);
        REQUIRE_FALSE(opened.ok());
    }
}

TEST_CASE("sqlite spool: a smaller bound than before keeps what waits and takes nothing new") {
    SqliteSpoolHarness harness;
    {
        Bench bench;
        const Epoch epoch = bench.begin();
        for (std::uint32_t n = 1; n <= 9; ++n)
            REQUIRE(bench.append(epoch, BlockClass::normal, n).ok());
        bench.harness.policy.bytes_max = 2000;
        bench.restart();
        CHECK(bench.waiting(BlockClass::normal) == "1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9");
        CHECK(bench.append(epoch, BlockClass::normal, 10).error() == ErrorCode::full);
    }
}
