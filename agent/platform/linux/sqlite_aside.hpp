// Under which names a damaged spool is set aside: sqlite_salvage.hpp.
#pragma once

#include <string>

#include "agent/platform/linux/spool_files.hpp"

namespace longhaul::agent {

std::string damage_mark_of(const std::string& path);
std::string aside_path(const std::string& path, unsigned number);

// The number under which the file is or will be set aside; noted, so that a start after a power cut
// goes on with the same.
Result<unsigned> begin_aside(const std::string& path, SpoolFiles& files);
Status move_with_companions(const std::string& from, const std::string& to, SpoolFiles& files);
Status remove_companions(const std::string& path, SpoolFiles& files);  // its log and journal

Status remove_oldest_aside(const std::string& path, unsigned newest, SpoolFiles& files);
Status remove_other_asides(const std::string& path, unsigned newest, SpoolFiles& files);

}  // namespace longhaul::agent
