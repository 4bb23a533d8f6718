// The files of audit trails, and how they are checked.
//
//   trail/<tenant or _site>/000001.jsonl, 000002.jsonl, …   the last one grows
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collector/registry/trail_line.hpp"

namespace longhaul::collector {

std::string trail_file_name(std::uint64_t number);
std::string trail_file(const std::string& folder, std::uint64_t number);
// Numbers of a trail's files, in their order.
Result<std::vector<std::uint64_t>, Message> trail_files(const std::string& folder);
// Names of the trails in a folder; none when it is not there.
Result<std::vector<std::string>, Message> trail_names(const std::string& folder);

// Reads the trail's files through the verifier. The message: they cannot be read.
Result<void, Message> verify_trail(const std::string& folder, TrailVerifier& verifier);

}  // namespace longhaul::collector
