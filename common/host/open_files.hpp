// How many files, sockets among them, a process may have open.
#pragma once

#include <cstdint>

namespace longhaul {

// Raises it as far as the process may, and returns what it is then.
std::uint64_t raise_open_files_limit();

}  // namespace longhaul
