// What somebody puts into sections who has a device's key: zstd frames that are none, behind a
// sound seal and signature. The agent around it is the shipping one.
#pragma once

#include <cstdint>
#include <vector>

#include "common/block/compression.hpp"

namespace longhaul::sim {

class Forger final : public Compression {
 public:
    explicit Forger(Compression& sound) : sound_{sound} {}

    std::optional<std::size_t> compress(Bytes plain, Bytes dictionary, MutableBytes room) override;
    Result<Bytes> decompress(Bytes frame, Bytes dictionary, MutableBytes room) override {
        return sound_.decompress(frame, dictionary, room);
    }
    std::uint64_t forged() const { return forged_; }

 private:
    std::optional<std::size_t> put_bomb(MutableBytes room);

    Compression& sound_;
    std::uint64_t forged_ = 0;
    std::vector<std::byte> bomb_;
};

}  // namespace longhaul::sim
