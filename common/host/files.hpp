// Small files of a host program: keys, certificates, configuration. Errors are sentences for a
// person.
#pragma once

#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace longhaul {

inline constexpr std::size_t small_file_bytes_max = 16 << 20;

// Whole files of at most small_file_bytes_max.
Result<std::vector<std::byte>, Message> read_file(const std::string& path);
Result<std::string, Message> read_text_file(const std::string& path);

// A file that holds a secret: refused when the group or others may do anything with it.
Result<std::vector<std::byte>, Message> read_private_file(const std::string& path);

inline constexpr unsigned public_file_mode = 0644;
inline constexpr unsigned private_file_mode = 0600;
inline constexpr unsigned private_folder_mode = 0700;

// Makes a new file, synced, with this mode whatever the umask; refuses when it is there already.
Result<void, Message> write_new_file(const std::string& path, Bytes bytes, unsigned mode);
// The same, but takes the place of an older file in one step.
Result<void, Message> replace_file(const std::string& path, Bytes bytes, unsigned mode);

// Makes the folder and those above it; fine when it is there already.
Result<void, Message> make_folders(const std::string& path, unsigned mode);

}  // namespace longhaul
