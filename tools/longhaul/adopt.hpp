// A new journal over a lake that another one wrote: `longhaul adopt`. Specification:
// docs/spec/journal.md, "Adoption".
//
// It may be stopped anywhere and run again: until the new journal is whole the old one stays what
// it is, afterwards only files are left to be moved.
#pragma once

#include <functional>
#include <string>

#include "collector/disk/disk.hpp"
#include "collector/journal/local_journal.hpp"
#include "collector/lake/object_store.hpp"
#include "collector/writer/lake_ranges.hpp"

namespace longhaul::tools {

struct AdoptReport {
    std::string journal;         // the new one's UUID
    std::string aside;           // where the old one's files are; empty: there was none
    bool finished_only = false;  // an earlier run had made the new journal
    collector::LakeRanges::Progress lake;
    std::uint64_t devices = 0;
    std::uint64_t epochs = 0;
    std::uint64_t entries_kept = 0;     // of the old journal
    std::uint64_t entries_damaged = 0;  // of it, that could not be read
    bool cut = false;                   // its beginning was not there any more
    bool was_closed = false;            // somebody had said that the devices were back
};

struct AdoptPorts {
    collector::Disk& journal;  // its folder, whose lock is held
    collector::ObjectStore& lake;
    collector::LakeRanges::Tell tell;
};

// `settings`: of the new journal; its number of shards is the old one's, if there is one.
Result<AdoptReport, Message> adopt(const AdoptPorts& ports,
                                   collector::LocalJournalSettings settings, WallUs now);

// Says in the journal that what is missing will not come. Returns how many shards it has. A journal
// that has adopted nothing is refused, and stays as it is.
Result<std::uint64_t, Message> close_adoption(collector::Disk& journal,
                                              collector::ObjectStore& lake, WallUs now);

struct AdoptOptions {
    std::string config;
    bool close = false;
    bool json = false;
    WallUs now;
};
// The exit code.
Result<int, Message> adopt_command(const AdoptOptions& options);

}  // namespace longhaul::tools
