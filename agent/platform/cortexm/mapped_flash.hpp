// Memory that keeps to the rules of NOR flash: for boards that have none, and an emulator that
// keeps it in a file.
#pragma once

#include <cstring>

#include "agent/port/flash.hpp"

namespace longhaul::agent {

class MappedFlash final : public Flash {
 public:
    constexpr explicit MappedFlash(std::byte* memory, FlashGeometry geometry = {65'536, 256, 1})
        : memory_{memory}, geometry_{geometry} {}

    FlashGeometry geometry() const override { return geometry_; }
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
        std::memset(at(sector, 0), 0xff, geometry_.sector_bytes);
        return {};
    }
    Status sync() override { return {}; }

 private:
    std::byte* at(std::uint32_t sector, std::uint32_t offset) const {
        return memory_ + sector * geometry_.sector_bytes + offset;
    }
    std::byte* memory_;
    FlashGeometry geometry_;
};

}  // namespace longhaul::agent
