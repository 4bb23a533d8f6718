// Memory that keeps to the rules of NOR flash: for boards that have none, and an emulator that
// keeps it in a file.
#pragma once

#include <cstring>

#include "agent/port/flash.hpp"

namespace longhaul::agent {

class MappedFlash final : public Flash {
 public:
    constexpr explicit MappedFlash(std::byte* memory) : memory_{memory} {}

    FlashGeometry geometry() const override { return {sector_bytes, 256, 1}; }
    Status read(std::uint32_t sector, std::uint32_t offset, MutableBytes room) override {
        std::memcpy(room.data(), at(sector, offset), room.size());
        return {};
    }
    Status program(std::uint32_t sector, std::uint32_t offset, Bytes bytes) override {
        std::byte* to = at(sector, offset);
        for (const std::byte each : bytes) *to++ &= each;
        return {};
    }
    Status erase(std::uint32_t sector) override {
        std::memset(at(sector, 0), 0xff, sector_bytes);
        return {};
    }
    Status sync() override { return {}; }

 private:
    static constexpr std::uint32_t sector_bytes = 65536;
    std::byte* at(std::uint32_t sector, std::uint32_t offset) const {
        return memory_ + sector * sector_bytes + offset;
    }
    std::byte* memory_;
};

}  // namespace longhaul::agent
