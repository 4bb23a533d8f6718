// The codecs of an image, and the memory that they work in.
#pragma once

#include <array>
#include <optional>

#include "agent/core/block_builder.hpp"
#ifdef LH_ZSTD_BYTES
#include "common/zstd/arena_compression.hpp"
#endif

namespace longhaul::agent {

class BoardCodecs {
 public:
    // What the identity block asks for, if the image has all of it; else codec 2, which makes what
    // a receiver measures smallest.
    static CodecSet chosen(std::optional<CodecSet> asked) {
        const bool here = asked && (*asked & ~had) == 0;
        return here ? *asked : CodecSet{1U << codec_range};
    }

    CodecTools tools(CodecSet allowed) {
        CodecTools tools{&range_, nullptr, plain_, nullptr};
        if ((allowed >> codec_zstd & 1) != 0) tools.compression = compression();
        return tools;
    }

 private:
#ifdef LH_ZSTD_BYTES
    static constexpr CodecSet had = usual_codecs;
    Compression* compression() {
        LH_CHECK(ArenaCompression::memory_bytes() <= sizeof(arena_));
        return &compression_.emplace(arena_);
    }
    alignas(8) std::array<std::byte, LH_ZSTD_BYTES> arena_;
    std::optional<ArenaCompression> compression_;
#else
    static constexpr CodecSet had = 1U << codec_columns | 1U << codec_range;
    static Compression* compression() { return nullptr; }
#endif
    Codec2Encoder range_;
    std::array<std::byte, LH_PLAIN_BYTES> plain_;
};

}  // namespace longhaul::agent
