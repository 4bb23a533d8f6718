// What a Linux machine gives by itself: random bytes, clocks, and room and zstd for the codecs.
#pragma once

#include <optional>
#include <vector>

#include "agent/core/block_builder.hpp"
#include "agent/port/clock.hpp"
#include "agent/port/entropy.hpp"
#include "common/base/time.hpp"
#include "common/mix/mixing_codec.hpp"
#include "common/zstd/zstd_compression.hpp"

namespace longhaul::agent {

// Since the machine was started, sleep included, so that ticks of an epoch are true distances.
MonotonicMs monotonic_now();

// The kernel's generator; blocks once at most, early after the machine's first start.
class LinuxEntropy final : public Entropy {
 public:
    Status fill(MutableBytes room) override;
};

// The system's clock. Whether it is synchronized, and its error, is what the kernel was told by the
// time service. A date before this program was written counts as none.
class LinuxWallClock final : public WallClock {
 public:
    WallReading read() override;
};

// One for all devices of the thread.
class LinuxCodecs {
 public:
    // What only codec 3 needs, some megabytes, is made for devices that may write it.
    CodecTools tools(CodecSet allowed) {
        if ((allowed >> codec_mixed & 1) != 0 && !mixing_) mixing_.emplace();
        return {&range_, &zstd_, plain_, mixing_ ? &*mixing_ : nullptr};
    }

 private:
    std::optional<MixingCodec> mixing_;
    Codec2Encoder range_;
    ZstdCompression zstd_;
    std::vector<std::byte> plain_ = std::vector<std::byte>(2 * limits::section_plain_bytes_max);
};

}  // namespace longhaul::agent
