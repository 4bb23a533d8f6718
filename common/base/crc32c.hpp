// CRC-32C (Castagnoli, RFC 3720 appendix B.4): detects damage of what lies on disk or flash. It is
// no protection against an attacker; sealed blocks carry an authentication tag for that.
#pragma once

#include <cstdint>

#include "common/base/bytes.hpp"

namespace longhaul {

// Continues from `seed`, the CRC of the bytes before; 0 begins.
std::uint32_t crc32c(Bytes bytes, std::uint32_t seed = 0);

}  // namespace longhaul
