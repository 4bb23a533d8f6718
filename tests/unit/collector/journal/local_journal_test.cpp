#include "collector/journal/local_journal.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "collector/journal/segment.hpp"
#include "firmware-sim/sim_disk.hpp"
#include "tests/unit/collector/journal/journal_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::collector::test;

TEST_CASE("journal: what is flushed is read back, also after a restart") {
    sim::SimDisk disk;
    auto journal = open(disk);
    for (const auto& body : three) REQUIRE(append(*journal, body).ok());
    CHECK(read_all(*journal).empty());  // nothing is durable yet
    REQUIRE(journal->flush().ok());
    CHECK(read_all(*journal) == three);
    disk.cut_power();
    journal = open(disk);
    CHECK(read_all(*journal) == three);
    CHECK(journal->id().uuid[0] == std::byte{7});
}

TEST_CASE("journal: a group is written when it is large or old enough") {
    sim::SimDisk disk;
    auto journal = open(disk);
    const auto end = append(*journal, "one");
    REQUIRE(end.ok());
    REQUIRE(journal->step({1}).ok());
    CHECK(journal->due() == MonotonicMs{2});
    CHECK(journal->durable_end(0) == 0);
    REQUIRE(journal->step({2}).ok());
    CHECK(journal->due() == MonotonicMs::never());
    CHECK(journal->durable_end(0) == end.value());
}

TEST_CASE("journal: offsets go on over segments") {
    sim::SimDisk disk;
    auto journal = open(disk, 1);  // a segment for each group
    Offset last = 0;
    for (const auto& body : three) {
        last = append(*journal, body).value();
        REQUIRE(journal->flush().ok());
    }
    CHECK(disk.list("shard-0000").value().size() == 3);
    CHECK(read_all(*journal) == three);
    disk.cut_power();
    journal = open(disk, 1);
    CHECK(journal->durable_end(0) == last);
    CHECK(read_all(*journal) == three);
}

TEST_CASE("journal: a reader that has read everything goes on into segments made later") {
    sim::SimDisk disk;
    auto journal = open(disk, 1);
    auto reader = journal->read(0, 0).value();
    for (const auto& body : three) {
        REQUIRE(append(*journal, body).ok());
        REQUIRE(journal->flush().ok());
        const auto entry = reader->next();
        REQUIRE(entry.ok());
        CHECK(as_text(entry.value().entry.body) == body);
        CHECK(reader->next().error().code == ErrorCode::not_found);
    }
}

// Appends the three with the disk failing at `step`; how many of them were acknowledged.
std::size_t append_until_failure(sim::SimDisk& disk, std::uint64_t step) {
    disk.fail_after(step);
    auto journal = LocalJournal::open(disk, settings(1));
    std::size_t durable = 0;
    if (!journal.ok()) return durable;
    for (const auto& body : three) {
        if (!append(*journal.value(), body).ok() || !journal.value()->flush().ok()) break;
        ++durable;
    }
    return durable;
}

TEST_CASE("journal: wherever power fails, what was durable is there and in order") {
    for (std::uint64_t step = 1;; ++step) {
        std::size_t durable = 0;
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            CAPTURE(step, seed);
            sim::SimDisk disk;
            durable = append_until_failure(disk, step);
            std::mt19937_64 torn{seed};
            disk.cut_power(seed == 0 ? nullptr : &torn, seed % 2 == 0);
            auto journal = open(disk, 1);
            auto bodies = read_all(*journal);
            REQUIRE(bodies.size() >= durable);
            for (std::size_t i = 0; i < durable; ++i) CHECK(bodies[i] == three[i]);
            for (std::size_t i = durable; i < bodies.size(); ++i) {
                CHECK((bodies[i] == three[i] || bodies[i] == "?"));
            }
            REQUIRE(append(*journal, "next").ok());
            REQUIRE(journal->flush().ok());
            bodies.emplace_back("next");
            CHECK(read_all(*journal) == bodies);
        }
        if (durable == three.size()) break;
        REQUIRE(step < 100);
    }
}

TEST_CASE("journal: wherever power fails while a crash is mended, nothing durable is lost") {
    for (std::uint64_t step = 1;; ++step) {
        CAPTURE(step);
        sim::SimDisk disk;
        {
            auto journal = open(disk);
            for (const auto& body : three) REQUIRE(append(*journal, body).ok());
            REQUIRE(journal->flush().ok());
        }
        // A torn entry behind them.
        REQUIRE(disk.open(segment_path(0, 0)).value()->append(as_bytes("half an entry")).ok());
        disk.fail_after(step);
        const bool opened = LocalJournal::open(disk, settings()).ok();
        std::mt19937_64 torn{step};
        disk.cut_power(&torn);
        auto journal = open(disk);
        CHECK(read_all(*journal) == three);
        if (opened) break;
        REQUIRE(step < 100);
    }
}

TEST_CASE("journal: what an opened journal reads is still there after a power cut") {
    // The process before died between its write and its sync; the machine goes on, then fails.
    sim::SimDisk disk;
    open(disk);
    std::vector<std::byte> bytes = write_segment_header({0, 0, settings().salt_if_new});
    REQUIRE(add_entry({{42}, JournalKind::block, "acme", "bus-1", as_bytes("one")},
                      {settings().salt_if_new, 0}, bytes)
                .ok());
    REQUIRE(disk.create(segment_path(0, 0)).value()->append(bytes).ok());
    const std::vector<std::string> one{"one"};
    CHECK(read_all(*open(disk)) == one);
    disk.cut_power();
    CHECK(read_all(*open(disk)) == one);
}

TEST_CASE("journal: after a failed sync nothing is taken any more") {
    sim::SimDisk disk;
    auto journal = open(disk);
    const auto one = append(*journal, "one");
    REQUIRE(journal->flush().ok());
    REQUIRE(append(*journal, "two").ok());
    disk.fail_next_sync();
    CHECK_FALSE(journal->flush().ok());
    CHECK(append(*journal, "three").error().code == ErrorCode::closed);
    CHECK(journal->flush().error().code == ErrorCode::closed);
    CHECK(journal->step({1000}).error().code == ErrorCode::closed);
    CHECK(journal->durable_end(0) == one.value());
    CHECK(read_all(*journal) == std::vector<std::string>{"one"});
    disk.cut_power();
    CHECK(read_all(*open(disk)) == std::vector<std::string>{"one"});
}

TEST_CASE("journal: what was written when a sync failed is written again before it counts") {
    // The operating system may keep such bytes in memory, take them for written, and claim the
    // success of every later sync.
    sim::SimDisk disk;
    auto journal = open(disk);
    REQUIRE(append(*journal, "one").ok());
    REQUIRE(journal->flush().ok());
    REQUIRE(append(*journal, "two").ok());
    disk.fail_next_sync();
    CHECK_FALSE(journal->flush().ok());
    journal = open(disk);  // another process; power was never gone
    const std::vector<std::string> before = read_all(*journal);
    REQUIRE(append(*journal, "three").ok());
    REQUIRE(journal->flush().ok());
    auto expected = before;
    expected.emplace_back("three");
    disk.cut_power();
    CHECK(read_all(*open(disk)) == expected);
}

TEST_CASE("journal: a failed sync of any group acknowledges nothing of it") {
    for (std::size_t fails_at = 0; fails_at < three.size(); ++fails_at) {
        CAPTURE(fails_at);
        sim::SimDisk disk;
        auto journal = open(disk, 1);
        for (std::size_t i = 0; i < three.size(); ++i) {
            REQUIRE(append(*journal, three[i]).ok());
            if (i == fails_at) disk.fail_next_sync();
            if (!journal->flush().ok()) break;
        }
        CHECK(read_all(*journal).size() == fails_at);
        disk.cut_power();
        CHECK(read_all(*open(disk, 1)).size() == fails_at);
    }
}

TEST_CASE("journal: segments without journal.meta, or of another journal, are refused") {
    sim::SimDisk disk;
    {
        auto journal = open(disk);
        REQUIRE(append(*journal, "one").ok());
        REQUIRE(journal->flush().ok());
    }
    REQUIRE(disk.remove("journal.meta").ok());
    CHECK(to_string(LocalJournal::open(disk, settings()).error()) ==
          "malformed: journal.meta is gone, its segments are still there");
    sim::SimDisk more;  // the journal that is gone had more shards than a new one gets
    REQUIRE(more.make_directories(shard_folder(5)).ok());
    REQUIRE(write_synced(more, segment_path(5, 0), as_bytes("x")).ok());
    CHECK_FALSE(LocalJournal::open(more, settings()).ok());
    const JournalMeta other{{}, 1, 0xbad};
    REQUIRE(replace_file(disk, journal_meta_path, write_journal_meta(other)).ok());
    CHECK(to_string(LocalJournal::open(disk, settings()).error()) ==
          "malformed: a segment of another journal, shard or offset");
}

TEST_CASE("journal: a tool reads it while it is written, and changes nothing") {
    sim::SimDisk disk;
    auto journal = open(disk);
    REQUIRE(append(*journal, "one").ok());
    REQUIRE(journal->flush().ok());
    REQUIRE(disk.open(segment_path(0, 0)).value()->append(as_bytes("being written")).ok());
    const std::size_t size = read_file(disk, segment_path(0, 0)).value().size();
    const auto steps = disk.steps_taken();
    auto tool = LocalJournal::open_to_read(disk);
    REQUIRE(tool.ok());
    CHECK(read_all(*tool.value()) == std::vector<std::string>{"one"});
    CHECK(append(*tool.value(), "no").error().code == ErrorCode::closed);
    CHECK(disk.steps_taken() == steps);
    CHECK(read_file(disk, segment_path(0, 0)).value().size() == size);
}

TEST_CASE("journal: all entries of a device go to one shard, and shards are used evenly") {
    sim::SimDisk disk;
    LocalJournalSettings four = settings();
    four.shards_if_new = 4;
    auto opened = LocalJournal::open(disk, four);
    REQUIRE(opened.ok());
    const auto& journal = *opened.value();
    std::array<int, 4> count{};
    for (int device = 0; device < 1000; ++device) {
        const std::string name = "bus-" + std::to_string(device);
        const Shard shard = journal.shard_of("acme", name);
        CHECK(shard == journal.shard_of("acme", name));
        ++count[shard];
    }
    for (const int n : count) CHECK(n > 150);
    CHECK(journal.shard_of("ab", "c") == journal.shard_of("ab", "c"));
}
