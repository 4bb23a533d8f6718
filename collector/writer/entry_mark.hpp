// The last entry that a table has of a shard, as the table's log names it: with that a journal is
// told from a copy of it that went on by itself. Specification: docs/spec/lake.md, "Entry marks".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "collector/journal/journal.hpp"

namespace longhaul::collector {

struct EntryMark {
    Offset offset = 0;
    Offset end = 0;  // as offset: what lies before it is damaged, or was not read
    std::uint32_t checksum = 0;

    // Its version in the log, under the appId of the shard with "/entry" behind it.
    std::int64_t packed() const;
    // Of the entry that ends at `end`; none: not written by a commit that reached `end`.
    static std::optional<EntryMark> unpack(std::int64_t packed, Offset end);
};

enum class EntryFound : std::uint8_t {
    there,
    another,     // a whole entry lies where it would have to be
    cut_off,     // the journal begins behind it
    unreadable,  // its place is damaged, or cannot be read now
};
EntryFound find_entry(Journal& journal, Shard shard, const EntryMark& mark);

}  // namespace longhaul::collector
