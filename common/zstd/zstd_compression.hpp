// zstd behind the codecs' Compression, for programs on a host: frames without magic number,
// checksum and dictionary id, with the size of their content.
#pragma once

#include <memory>

#include "common/block/compression.hpp"

namespace longhaul {

// One a thread; it keeps zstd's working memory from call to call. A dictionary must stay where and
// what it is as long as the object lives.
class ZstdCompression final : public Compression {
 public:
    ZstdCompression();
    ~ZstdCompression();
    ZstdCompression(const ZstdCompression&) = delete;
    ZstdCompression& operator=(const ZstdCompression&) = delete;

    std::optional<std::size_t> compress(Bytes plain, Bytes dictionary, MutableBytes room) override;
    Result<Bytes> decompress(Bytes frame, Bytes dictionary, MutableBytes room) override;

 private:
    struct Contexts;
    std::unique_ptr<Contexts> contexts_;
};

}  // namespace longhaul
