// Whether bytes are UTF-8 (RFC 3629): shortest forms only, no surrogates, nothing above U+10FFFF.
#pragma once

#include "common/base/bytes.hpp"

namespace longhaul {

bool is_utf8(Bytes bytes);
inline bool is_utf8(std::string_view text) { return is_utf8(as_bytes(text)); }

}  // namespace longhaul
