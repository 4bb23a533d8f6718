// How a journal that was made beside another one takes its place, whatever stops it on the way.
// Specification: docs/spec/journal.md, "Taking the place of another one".
#pragma once

#include <string>

#include "collector/disk/disk.hpp"

namespace longhaul::collector {

// Where the new journal is made, in the folder of the old one.
inline constexpr std::string_view next_journal = "adopting";

// Whether a swap was begun, so that the folder is of neither journal until it is finished.
Result<bool> swap_begun(Disk& disk);
// Removes what is left of a new journal of which no swap has begun.
Status clear_next_journal(Disk& disk);
// The new journal is whole and durable. From here on only finish_swap() is left to do; the files of
// the old one go to the folder `aside`.
Status begin_swap(Disk& disk, const std::string& aside);
// After an error, or an end in between, it is called again.
Status finish_swap(Disk& disk);

}  // namespace longhaul::collector
