// What the start-up leaves behind for those who ask.
#pragma once

#include <cstddef>

namespace longhaul::agent {

// The deepest that the stack has been since the start.
std::size_t stack_bytes_max();

}  // namespace longhaul::agent
