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

TEST_CASE("journal: a torn tail of any length is trimmed") {
    sim::SimDisk clean;
    {
        auto journal = open(clean);
        for (const auto& body : three) REQUIRE(append(*journal, body).ok());
        REQUIRE(journal->flush().ok());
    }
    clean.cut_power();
    const std::string path = segment_path(0, 0);
    const std::size_t size = read_file(clean, path).value().size();
    const std::size_t third = 8 + entry_content_bytes_min + 9 + 5;  // "acme", "bus-1", "three"
    for (std::size_t kept = size - third; kept < size; ++kept) {
        CAPTURE(kept);
        sim::SimDisk disk = clean;
        disk.cut_power();  // a copy of its own
        REQUIRE(disk.open(path).value()->truncate(kept).ok());
        auto journal = open(disk);
        CHECK(journal->trimmed_bytes() == kept - (size - third));
        CHECK(read_file(disk, path).value().size() == size - third);
        REQUIRE(append(*journal, "four").ok());
        REQUIRE(journal->flush().ok());
        CHECK(read_all(*journal) == std::vector<std::string>{"one", "two", "four"});
    }
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

TEST_CASE("journal: a flipped bit in a segment's header costs nothing") {
    sim::SimDisk disk;
    {
        auto journal = open(disk, 1);
        for (const auto& body : three) {
            REQUIRE(append(*journal, body).ok());
            REQUIRE(journal->flush().ok());
        }
    }
    const auto segments = disk.list("shard-0000").value();
    for (const DiskEntry& segment : segments) {
        for (std::size_t at = 0; at < segment_header_bytes; ++at) {
            CAPTURE(segment.name, at);
            const std::string path = shard_folder(0) + "/" + segment.name;
            disk.flip(path, at, std::byte{4});
            CHECK(read_all(*open(disk, 1)) == three);
            disk.flip(path, at, std::byte{4});
        }
    }
}

TEST_CASE("journal: a segment that lost its end costs what it lost") {
    sim::SimDisk disk;
    auto journal = open(disk, 100);
    for (const char* body : {"a", "b", "c", "d", "e", "f"}) {
        REQUIRE(append(*journal, body).ok());
        REQUIRE(journal->flush().ok());
    }
    const auto segments = disk.list("shard-0000").value();
    REQUIRE(segments.size() == 2);
    const std::string first = shard_folder(0) + "/" + segments[0].name;
    const std::size_t one_entry = 8 + entry_content_bytes_min + 9 + 1;
    REQUIRE(disk.open(first).value()->truncate(segments[0].bytes - one_entry - 3).ok());
    CHECK(read_all(*open(disk)) == std::vector<std::string>{"a", "b", "?", "?", "e", "f"});
}

TEST_CASE("journal: damage longer than any entry is passed without losing a sound one") {
    sim::SimDisk disk;
    auto journal = open(disk);
    const std::string large(60'000, 'x');
    for (int i = 0; i < 12; ++i) REQUIRE(append(*journal, large + std::to_string(i)).ok());
    REQUIRE(journal->flush().ok());
    const std::string path = segment_path(0, 0);
    const std::size_t entry_bytes = (read_file(disk, path).value().size() - 32 - 2) / 12;
    for (std::size_t i = 1; i < 9; ++i) disk.flip(path, 32 + i * entry_bytes + 5000, std::byte{1});
    std::vector<std::string> sound;
    for (const std::string& body : read_all(*open(disk))) {
        if (body != "?") sound.push_back(body.substr(large.size()));
    }
    CHECK(sound == std::vector<std::string>{"0", "9", "10", "11"});
}

TEST_CASE("journal: no body is taken for an entry, whatever damage lies around it") {
    // A device that knows the format sends a block that holds whole entries, for any offset that it
    // may lie at; only the salt it cannot know.
    std::vector<std::byte> body(16);
    for (Offset guess = 0; guess < 200; ++guess) {
        const JournalEntry forged{{1}, JournalKind::block, "other", "victim", as_bytes("forged")};
        REQUIRE(add_entry(forged, {0, guess}, body).ok());
    }
    sim::SimDisk disk;
    {
        auto journal = open(disk);
        REQUIRE(append(*journal, as_text(body)).ok());
        REQUIRE(append(*journal, "after").ok());
        REQUIRE(journal->flush().ok());
    }
    disk.flip(segment_path(0, 0), segment_header_bytes, std::byte{1});
    CHECK(read_all(*open(disk)) == std::vector<std::string>{"?", "after"});
}

TEST_CASE("journal: a damaged meta file is refused by name") {
    sim::SimDisk disk;
    {
        auto journal = open(disk);
        REQUIRE(append(*journal, "one").ok());
        REQUIRE(journal->flush().ok());
    }
    for (std::size_t at = 0; at < journal_meta_bytes; ++at) {
        CAPTURE(at);
        disk.flip("journal.meta", at, std::byte{1});
        const auto refused = LocalJournal::open(disk, settings());
        REQUIRE_FALSE(refused.ok());
        CHECK(to_string(refused.error()).find("journal.meta") != std::string::npos);
        disk.flip("journal.meta", at, std::byte{1});
    }
}
