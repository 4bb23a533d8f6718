// How a journal that was made beside another one takes its place, whatever stops it on the way.
// Specification: docs/spec/journal.md, "Taking the place of another one".
#pragma once

#include <optional>
#include <string>

#include "collector/disk/disk.hpp"

namespace longhaul::collector {

// Where the new journal is made, in the folder of the old one.
inline constexpr std::string_view next_journal = "adopting";
// How the folder begins to which the files of the old one go.
inline constexpr std::string_view aside_prefix = "before-";

// A file of a journal in the folder, whatever else of it may be missing; empty: there is none.
Result<std::string> remains_of_journal(Disk& disk);
// The folder is of neither journal until a swap that was begun is finished. Its value is where the
// files of the old one go, empty when there was none; absent: no swap was begun.
Result<std::optional<std::string>> begun_swap(Disk& disk);
// Removes what is left of a new journal of which no swap has begun.
Status clear_next_journal(Disk& disk);
// The new journal is whole and durable. From here on only finish_swap() is left to do; the files of
// the old one go to the folder `aside`. Empty: remains_of_journal() has found none.
Status begin_swap(Disk& disk, const std::string& aside);
// After an error, or an end in between, it is called again.
Status finish_swap(Disk& disk);

}  // namespace longhaul::collector
