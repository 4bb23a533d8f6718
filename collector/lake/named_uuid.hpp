// A UUID (version 8, RFC 9562) that the same input always gives, so that a second try names things
// alike.
#pragma once

#include <string>

#include "common/base/hex.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::collector {

inline std::string named_uuid(const std::string& input) {
    Sha256 hash = sha256(as_bytes(input));
    hash[6] = (hash[6] & std::byte{0x0f}) | std::byte{0x80};
    hash[8] = (hash[8] & std::byte{0x3f}) | std::byte{0x80};
    const std::string text = hex(Bytes{hash}.first(16));
    return text.substr(0, 8) + "-" + text.substr(8, 4) + "-" + text.substr(12, 4) + "-" +
           text.substr(16, 4) + "-" + text.substr(20);
}

}  // namespace longhaul::collector
