// A serial NOR flash of 16 MiB, as Spansion's S25SL128: sectors of 64 KiB, pages of 256 bytes, at
// the SPI controller of SmartFusion2.
#pragma once

#include "agent/port/flash.hpp"

namespace longhaul::agent {

class SpiNor final : public Flash {
 public:
    FlashGeometry geometry() const override { return {sector_bytes, 256, 1}; }
    Status read(std::uint32_t sector, std::uint32_t offset, MutableBytes room) override;
    Status program(std::uint32_t sector, std::uint32_t offset, Bytes bytes) override;
    Status erase(std::uint32_t sector) override;
    Status sync() override { return {}; }  // each call waits until the flash is done

 private:
    static constexpr std::uint32_t sector_bytes = 65536;
    static constexpr std::uint32_t page_bytes = 256;
};

}  // namespace longhaul::agent
