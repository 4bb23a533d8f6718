// Whole small files of the operating system, with messages that a person can act upon.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace longhaul {

inline constexpr unsigned private_mode = 0600;
inline constexpr unsigned public_mode = 0644;

Result<std::string, Message> read_text_file(const std::string& path);
// Also refuses a file that others than its owner may read or write.
Result<std::string, Message> read_private_file(const std::string& path);
// Makes a new file; one that is there already is never overwritten.
Result<void, Message> write_new_file(const std::string& path, std::string_view text, unsigned mode);

}  // namespace longhaul
