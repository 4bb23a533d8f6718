// A recording as a file: as it is, or packed by gzip.
#pragma once

#include <string>

#include "common/base/result.hpp"

namespace longhaul::agent {

// Packed and unpacked. It lies in memory as a whole, its samples beside it in several times its
// size.
inline constexpr std::size_t recording_bytes_max = std::size_t{1} << 30;

// The contents, unpacked if they begin as gzip does.
Result<std::string, Message> read_recording(const std::string& path,
                                            std::size_t bytes_max = recording_bytes_max);

}  // namespace longhaul::agent
