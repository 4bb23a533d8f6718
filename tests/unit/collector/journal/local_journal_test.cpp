#include "collector/journal/local_journal.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "collector/journal/segment.hpp"
#include "firmware-sim/sim_disk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

LocalJournalSettings settings(std::uint64_t segment_bytes = 64 << 20) {
    LocalJournalSettings s;
    s.uuid_if_new[0] = std::byte{7};
    s.salt_if_new = 0x5a17;
    s.segment_bytes_max = segment_bytes;
    return s;
}

std::unique_ptr<LocalJournal> open(Disk& disk, std::uint64_t segment_bytes = 64 << 20) {
    auto journal = LocalJournal::open(disk, settings(segment_bytes));
    REQUIRE(journal.ok());
    return std::move(journal).value();
}

Result<Offset> append(LocalJournal& journal, std::string_view body) {
    return journal.append(0, {{42}, JournalKind::block, "acme", "bus-1", as_bytes(body)}, {0});
}

// Bodies that a reader gets; a damaged entry reads as "?".
std::vector<std::string> read_all(LocalJournal& journal) {
    auto reader = journal.read(0, 0);
    REQUIRE(reader.ok());
    std::vector<std::string> bodies;
    for (;;) {
        const auto entry = reader.value()->next();
        if (entry.ok()) {
            bodies.emplace_back(as_text(entry.value().entry.body));
        } else if (entry.error().code == ErrorCode::corrupt) {
            bodies.emplace_back("?");
        } else {
            REQUIRE(entry.error().code == ErrorCode::not_found);
            return bodies;
        }
    }
}

const std::vector<std::string> three{"one", "two", "three"};

}  // namespace

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
    CHECK(journal->step({1}).value() == MonotonicMs{2});
    CHECK(journal->durable_end(0) == 0);
    CHECK(journal->step({2}).value() == MonotonicMs::never());
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

TEST_CASE("journal: wherever power fails, what was durable is there and in order") {
    for (std::uint64_t steps = 1;; ++steps) {
        CAPTURE(steps);
        sim::SimDisk disk;
        disk.fail_after(steps);
        std::size_t durable = 0;
        bool finished = false;
        if (auto journal = LocalJournal::open(disk, settings(1)); journal.ok()) {
            for (const auto& body : three) {
                if (!append(*journal.value(), body).ok() || !journal.value()->flush().ok()) break;
                ++durable;
            }
            finished = durable == three.size();
        }
        std::mt19937_64 torn{steps};
        disk.cut_power(&torn);
        auto journal = open(disk, 1);
        const auto bodies = read_all(*journal);
        REQUIRE(bodies.size() >= durable);
        for (std::size_t i = 0; i < bodies.size(); ++i) CHECK(bodies[i] == three[i]);
        REQUIRE(append(*journal, "next").ok());
        REQUIRE(journal->flush().ok());
        CHECK(read_all(*journal).back() == "next");
        if (finished && !disk.failed() && steps > 30) break;
    }
}

TEST_CASE("journal: after a failed sync nothing is taken any more") {
    sim::SimDisk disk;
    auto journal = open(disk);
    REQUIRE(append(*journal, "one").ok());
    REQUIRE(journal->flush().ok());
    REQUIRE(append(*journal, "two").ok());
    disk.fail_next_sync();
    CHECK_FALSE(journal->flush().ok());
    CHECK(append(*journal, "three").error().code == ErrorCode::closed);
    CHECK_FALSE(journal->flush().ok());
    CHECK(read_all(*journal) == std::vector<std::string>{"one"});
}

TEST_CASE("journal: a flipped bit costs its entry and no other") {
    sim::SimDisk clean;
    {
        auto journal = open(clean);
        for (const auto& body : three) REQUIRE(append(*journal, body).ok());
        REQUIRE(journal->flush().ok());
    }
    const std::string path = segment_path(0, 0);
    const auto bytes = read_file(clean, path).value();
    for (std::size_t at = segment_header_bytes; at < bytes.size(); ++at) {
        CAPTURE(at);
        sim::SimDisk disk = clean;
        disk.cut_power();  // a copy of its own
        disk.flip(path, at, std::byte{0x10});
        auto journal = open(disk);
        const auto bodies = read_all(*journal);
        const std::size_t entry_bytes[] = {31, 31, 33};
        std::size_t damaged = 0;
        for (std::size_t end = segment_header_bytes + entry_bytes[0]; at >= end;
             end += entry_bytes[++damaged]) {
        }
        auto expected = three;
        if (damaged == 2) {
            expected.pop_back();  // at the very end it cannot be told from a torn tail
        } else {
            expected[damaged] = "?";
        }
        CHECK(bodies == expected);
    }
}

TEST_CASE("journal: a damaged meta file is refused by name") {
    sim::SimDisk disk;
    {
        auto journal = open(disk);
        REQUIRE(append(*journal, "one").ok());
        REQUIRE(journal->flush().ok());
    }
    disk.flip("journal.meta", 9, std::byte{1});
    CHECK(to_string(LocalJournal::open(disk, settings()).error()) == "corrupt: journal.meta");
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
