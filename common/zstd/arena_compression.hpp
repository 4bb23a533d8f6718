// zstd behind the codecs' Compression, for a device with room for it: it works in memory of the
// caller alone, by the fastest of zstd's strategies and with small tables.
//
// Its frames have the form of ZstdCompression's. It only makes them: a device reads no sections.
#pragma once

#include "common/block/compression.hpp"

struct ZSTD_CCtx_s;

namespace longhaul {

// One a thread.
class ArenaCompression final : public Compression {
 public:
    static constexpr std::size_t plain_bytes_max = 4096;
    static std::size_t memory_bytes();

    // `memory` is aligned to 8, memory_bytes() long at least, and outlives it.
    explicit ArenaCompression(MutableBytes memory);

    // Nothing also of more than plain_bytes_max, and of what a dictionary belongs to.
    std::optional<std::size_t> compress(Bytes plain, Bytes dictionary, MutableBytes room) override;
    Result<Bytes> decompress(Bytes frame, Bytes dictionary, MutableBytes room) override;

 private:
    ZSTD_CCtx_s* context_;
};

}  // namespace longhaul
