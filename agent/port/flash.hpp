// Port: flash memory, as NOR flash and the flash inside microcontrollers have it.
#pragma once

#include <cstdint>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace longhaul::agent {

struct FlashGeometry {
    std::uint32_t sector_bytes = 0;  // what one erase takes: 4 KiB or more
    std::uint32_t sectors = 0;
    // What one program takes at least, 1 to 256: a power of two. Each such unit is programmed at
    // most once between two erases, as flash with error correction wants it.
    std::uint32_t program_bytes = 1;
};

// The core relies on: erased bytes are 0xff; a program changes its own bytes only; what was
// programmed or erased before a sync that returned ok survives a power cut. It relies on nothing
// else: a cut may leave a program or erase half done in any way, a sector may refuse or ignore an
// erase or program, a read may give a wrong bit.
class Flash {
 public:
    virtual FlashGeometry geometry() const = 0;
    virtual Status read(std::uint32_t sector, std::uint32_t offset, MutableBytes room) = 0;
    // `offset` and the length are multiples of program_bytes.
    virtual Status program(std::uint32_t sector, std::uint32_t offset, Bytes bytes) = 0;
    virtual Status erase(std::uint32_t sector) = 0;
    // Where a program is done when it returns there is nothing to do.
    virtual Status sync() = 0;

 protected:
    ~Flash() = default;
};

}  // namespace longhaul::agent
