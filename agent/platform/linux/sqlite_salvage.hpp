// What becomes of a spool's file that cannot be read any more: it is set aside, and a new one is
// made of every row that still can be read, as far as the disk has room. Of the files that were set
// aside the newest three stay, or the newest if the disk is full.
//
//   <name>.damaged      is there while this goes on, and since a running agent found the damage;
//                       once the file is being set aside it has the number in it
//   <name>.damaged-N    the old file, and its log as <name>.damaged-N-wal; N is 1 to 4, and
//                       the one behind the newest is free
//   <name>.salvage      the new one, until it is whole
#pragma once

#include <string>

#include "agent/platform/linux/sqlite_aside.hpp"
#include "agent/port/entropy.hpp"

namespace longhaul::agent {

// May be cut anywhere, and goes on where it was. Nobody has the file open. Returns a sentence for
// the log; empty: there was nothing left to do.
Result<std::string> salvage_spool(const std::string& path, Entropy& entropy, SpoolFiles& files);

}  // namespace longhaul::agent
