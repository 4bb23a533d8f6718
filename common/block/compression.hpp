// A general compressor as the codecs see it: zstd on a host and a board with room, else nothing.
// common/zstd implements it.
#pragma once

#include <cstddef>
#include <optional>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace longhaul {

class Compression {
 public:
    // One frame of `plain` into `room`; its size, or nothing when it does not fit.
    virtual std::optional<std::size_t> compress(Bytes plain, Bytes dictionary,
                                                MutableBytes room) = 0;
    // Exactly one frame, into `room`; the bytes that it held. too_large when they are more than the
    // room or than it says; malformed or corrupt when it is no frame, or when bytes follow it.
    virtual Result<Bytes> decompress(Bytes frame, Bytes dictionary, MutableBytes room) = 0;

 protected:
    ~Compression() = default;
};

}  // namespace longhaul
