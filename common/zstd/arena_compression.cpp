#include "common/zstd/arena_compression.hpp"

#include <zstd.h>

namespace longhaul {
namespace {

// A window of plain_bytes_max, and a hash table of 4,096 entries of 4 bytes.
constexpr ZSTD_compressionParameters shape{12, 6, 12, 1, 5, 0, ZSTD_fast};
static_assert(ArenaCompression::plain_bytes_max == 1U << 12);

void set(ZSTD_CCtx* context, ZSTD_cParameter parameter, int value) {
    LH_CHECK(ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) == 0);
}

}  // namespace

std::size_t ArenaCompression::memory_bytes() { return ZSTD_estimateCCtxSize_usingCParams(shape); }

ArenaCompression::ArenaCompression(MutableBytes memory)
    : context_{ZSTD_initStaticCCtx(memory.data(), memory.size())} {
    LH_CHECK(context_ != nullptr);
    LH_CHECK(ZSTD_isError(ZSTD_CCtx_setCParams(context_, shape)) == 0);
    set(context_, ZSTD_c_format, ZSTD_f_zstd1_magicless);
    set(context_, ZSTD_c_contentSizeFlag, 1);
    set(context_, ZSTD_c_checksumFlag, 0);
    set(context_, ZSTD_c_dictIDFlag, 0);
}

std::optional<std::size_t> ArenaCompression::compress(Bytes plain, Bytes dictionary,
                                                      MutableBytes room) {
    if (plain.size() > plain_bytes_max || !dictionary.empty()) return std::nullopt;
    const std::size_t size =
        ZSTD_compress2(context_, room.data(), room.size(), plain.data(), plain.size());
    if (ZSTD_isError(size) == 0) return size;
    LH_CHECK(ZSTD_isError(ZSTD_CCtx_reset(context_, ZSTD_reset_session_only)) == 0);
    return std::nullopt;
}

Result<Bytes> ArenaCompression::decompress(Bytes, Bytes, MutableBytes) {
    return Error{ErrorCode::unsupported, "zstd frame"};
}

}  // namespace longhaul
