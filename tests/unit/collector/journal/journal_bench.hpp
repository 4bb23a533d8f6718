// What the tests of the local journal share: a journal of one shard on a disk, written and read.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "collector/journal/local_journal.hpp"

namespace longhaul::collector::test {

inline LocalJournalSettings settings(std::uint64_t segment_bytes = 64 << 20) {
    LocalJournalSettings s;
    s.uuid_if_new[0] = std::byte{7};
    s.salt_if_new = 0x5a17;
    s.segment_bytes_max = segment_bytes;
    return s;
}

inline std::unique_ptr<LocalJournal> open(Disk& disk, std::uint64_t segment_bytes = 64 << 20) {
    auto journal = LocalJournal::open(disk, settings(segment_bytes));
    REQUIRE(journal.ok());
    return std::move(journal).value();
}

inline Result<Offset> append(LocalJournal& journal, std::string_view body) {
    return journal.append(0, {{42}, JournalKind::block, "acme", "bus-1", as_bytes(body)}, {0});
}

// Bodies that a reader gets; a damaged entry reads as "?".
inline std::vector<std::string> read_all(LocalJournal& journal) {
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

inline const std::vector<std::string> three{"one", "two", "three"};

}  // namespace longhaul::collector::test
