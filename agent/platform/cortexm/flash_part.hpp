// Some sectors of a flash, as a flash of its own.
#pragma once

#include "agent/port/flash.hpp"

namespace longhaul::agent {

class FlashPart final : public Flash {
 public:
    // `whole` outlives the part.
    FlashPart(Flash& whole, std::uint32_t first, std::uint32_t count)
        : whole_{whole}, first_{first}, count_{count} {}

    FlashGeometry geometry() const override {
        FlashGeometry geometry = whole_.geometry();
        geometry.sectors = count_;
        return geometry;
    }
    Status read(std::uint32_t sector, std::uint32_t offset, MutableBytes room) override {
        return whole_.read(first_ + sector, offset, room);
    }
    Status program(std::uint32_t sector, std::uint32_t offset, Bytes bytes) override {
        return whole_.program(first_ + sector, offset, bytes);
    }
    Status erase(std::uint32_t sector) override { return whole_.erase(first_ + sector); }
    Status sync() override { return whole_.sync(); }

 private:
    Flash& whole_;
    std::uint32_t first_;
    std::uint32_t count_;
};

}  // namespace longhaul::agent
