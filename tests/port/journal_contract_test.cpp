// The contract of collector/journal/journal.hpp, proven of the local journal on both disks.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <set>
#include <string>
#include <vector>

#include "collector/journal/local_journal.hpp"
#include "tests/port/any_disk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

constexpr Shard shards = 3;

std::unique_ptr<Journal> open(Disk& disk) {
    LocalJournalSettings settings;
    settings.uuid_if_new[3] = std::byte{9};
    settings.shards_if_new = shards;
    settings.segment_bytes_max = 200;
    auto journal = LocalJournal::open(disk, settings);
    REQUIRE(journal.ok());
    return std::move(journal).value();
}

JournalEntry entry_of(std::int64_t number, const std::string& body) {
    const auto kind = static_cast<JournalKind>(number % 3 + 1);
    return {{number}, kind, "acme", number % 2 == 0 ? "bus-1" : "", as_bytes(body)};
}

std::string body_of(std::int64_t number) {
    return std::string(static_cast<std::size_t>(number % 50), 'x');
}

}  // namespace

TEST_CASE("journal contract: entries come back whole, in order, at their offsets") {
    AnyDisk disk{kind_of_disk()};
    const auto journal = open(*disk);
    std::vector<Offset> ends;
    for (std::int64_t i = 0; i < 40; ++i) {
        const std::string body = body_of(i);
        const auto end = journal->append(1, entry_of(i, body), {i});
        REQUIRE(end.ok());
        ends.push_back(end.value());
        if (i % 7 == 0) REQUIRE(journal->flush().ok());
    }
    REQUIRE(journal->flush().ok());
    CHECK(journal->durable_end(1) == ends.back());
    const auto reader = journal->read(1, 0);
    REQUIRE(reader.ok());
    Offset begin = 0;
    for (std::int64_t i = 0; i < 40; ++i) {
        CAPTURE(i);
        const auto read = reader.value()->next();
        REQUIRE(read.ok());
        const std::string body = body_of(i);
        const JournalEntry expected = entry_of(i, body);
        CHECK(read.value().offset == begin);
        CHECK(read.value().end == ends[static_cast<std::size_t>(i)]);
        CHECK(read.value().entry.receive_time == expected.receive_time);
        CHECK(read.value().entry.kind == expected.kind);
        CHECK(read.value().entry.tenant == expected.tenant);
        CHECK(read.value().entry.device == expected.device);
        CHECK(as_text(read.value().entry.body) == body);
        begin = read.value().end;
        CHECK(reader.value()->offset() == begin);
    }
    CHECK(reader.value()->next().error().code == ErrorCode::not_found);
}

TEST_CASE("journal contract: reading begins at any offset that an entry has") {
    AnyDisk disk{kind_of_disk()};
    const auto journal = open(*disk);
    std::vector<Offset> begins{0};
    for (std::int64_t i = 0; i < 20; ++i) {
        const std::string body = body_of(i);
        begins.push_back(journal->append(0, entry_of(i, body), {0}).value());
        REQUIRE(journal->flush().ok());
    }
    for (std::size_t i = 0; i < 20; ++i) {
        const auto read = journal->read(0, begins[i]).value()->next();
        REQUIRE(read.ok());
        CHECK(read.value().entry.receive_time.value == static_cast<std::int64_t>(i));
    }
    CHECK(journal->read(0, begins.back()).value()->next().error().code == ErrorCode::not_found);
}

TEST_CASE("journal contract: nothing is read before it is durable") {
    AnyDisk disk{kind_of_disk()};
    const auto journal = open(*disk);
    const auto reader = journal->read(0, 0).value();
    const Offset end = journal->append(0, entry_of(1, "one"), {100}).value();
    CHECK(journal->durable_end(0) == 0);
    CHECK(reader->next().error().code == ErrorCode::not_found);
    MonotonicMs now{100};
    for (int i = 0; i < 10 && journal->durable_end(0) < end; ++i) {
        REQUIRE(journal->step(now).ok());
        now = std::min(journal->due(), now + 60'000);
    }
    CHECK(journal->durable_end(0) == end);  // by itself, soon
    CHECK(reader->next().ok());
}

TEST_CASE("journal contract: shards do not know of each other, and their number stays") {
    AnyDisk disk{kind_of_disk()};
    {
        const auto journal = open(*disk);
        for (Shard shard = 0; shard < shards; ++shard) {
            REQUIRE(journal->append(shard, entry_of(shard, "body"), {0}).ok());
        }
        REQUIRE(journal->flush().ok());
    }
    LocalJournalSettings other;
    other.shards_if_new = 7;
    const auto journal = LocalJournal::open(*disk, other).value();
    CHECK(journal->shards() == shards);
    CHECK(journal->id().uuid[3] == std::byte{9});
    for (Shard shard = 0; shard < shards; ++shard) {
        const auto reader = journal->read(shard, 0).value();
        CHECK(reader->next().value().entry.receive_time.value == shard);
        CHECK(reader->next().error().code == ErrorCode::not_found);
    }
}

TEST_CASE("journal contract: after a restart offsets go on where they ended") {
    AnyDisk disk{kind_of_disk()};
    Offset end = 0;
    for (std::int64_t i = 0; i < 10; ++i) {
        const auto journal = open(*disk);
        CHECK(journal->durable_end(2) == end);
        const std::string body = body_of(i);
        const Offset next = journal->append(2, entry_of(i, body), {0}).value();
        CHECK(next > end);
        REQUIRE(journal->flush().ok());
        end = next;
    }
}

TEST_CASE("journal contract: an entry that the format cannot hold is refused, others go on") {
    AnyDisk disk{kind_of_disk()};
    const auto journal = open(*disk);
    const std::string large(70'000, 'x');
    const std::string name(256, 'n');
    CHECK(journal->append(0, entry_of(1, large), {0}).error().code == ErrorCode::too_large);
    const JournalEntry named{{1}, JournalKind::block, name, "d", {}};
    CHECK(journal->append(0, named, {0}).error().code == ErrorCode::too_large);
    REQUIRE(journal->append(0, entry_of(2, "fits"), {0}).ok());
    REQUIRE(journal->flush().ok());
    CHECK(as_text(journal->read(0, 0).value()->next().value().entry.body) == "fits");
}
