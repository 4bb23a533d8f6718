#include "common/zstd/zstd_compression.hpp"

#include <zstd.h>

namespace longhaul {
namespace {

constexpr int level = 3;

void check(std::size_t zstd_result) { LH_CHECK(ZSTD_isError(zstd_result) == 0); }

bool same_place(Bytes a, Bytes b) { return a.data() == b.data() && a.size() == b.size(); }

// Whether the blocks behind the header end exactly where the frame does.
bool blocks_fill(Bytes blocks) {
    ByteReader in{blocks};
    for (bool last = false; !last && in.ok();) {
        const std::uint32_t header = in.u24();
        last = (header & 1) != 0;
        const bool repeated = (header >> 1 & 3) == 1;  // one byte stands for all
        in.bytes(repeated ? 1 : header >> 3);
    }
    return in.at_end();
}

// The size of the frame's content, when the frame has the form that a section may have.
Result<std::size_t> content_bytes(Bytes frame, std::size_t limit) {
    ZSTD_frameHeader header;
    const std::size_t done =
        ZSTD_getFrameHeader_advanced(&header, frame.data(), frame.size(), ZSTD_f_zstd1_magicless);
    if (done != 0 || header.frameType != ZSTD_frame)
        return Error{ErrorCode::malformed, "header of a zstd frame"};
    if (header.checksumFlag != 0 || header.dictID != 0 ||
        header.frameContentSize == ZSTD_CONTENTSIZE_UNKNOWN)
        return Error{ErrorCode::malformed, "form of a zstd frame"};
    if (header.frameContentSize > limit) return Error{ErrorCode::too_large, "zstd frame"};
    if (!blocks_fill(frame.subspan(header.headerSize)))
        return Error{ErrorCode::malformed, "blocks of a zstd frame"};
    return static_cast<std::size_t>(header.frameContentSize);
}

}  // namespace

struct ZstdCompression::Contexts {
    ZSTD_CCtx* compression = ZSTD_createCCtx();
    ZSTD_DCtx* decompression = ZSTD_createDCtx();
    Bytes compression_dictionary;
    Bytes decompression_dictionary;

    Contexts() {
        LH_CHECK(compression != nullptr && decompression != nullptr);
        check(ZSTD_CCtx_setParameter(compression, ZSTD_c_compressionLevel, level));
        check(ZSTD_CCtx_setParameter(compression, ZSTD_c_format, ZSTD_f_zstd1_magicless));
        check(ZSTD_CCtx_setParameter(compression, ZSTD_c_contentSizeFlag, 1));
        check(ZSTD_CCtx_setParameter(compression, ZSTD_c_checksumFlag, 0));
        check(ZSTD_CCtx_setParameter(compression, ZSTD_c_dictIDFlag, 0));
        check(ZSTD_DCtx_setParameter(decompression, ZSTD_d_format, ZSTD_f_zstd1_magicless));
    }
    Contexts(const Contexts&) = delete;
    Contexts& operator=(const Contexts&) = delete;
    ~Contexts() {
        ZSTD_freeCCtx(compression);
        ZSTD_freeDCtx(decompression);
    }
};

ZstdCompression::ZstdCompression() : contexts_{std::make_unique<Contexts>()} {}
ZstdCompression::~ZstdCompression() = default;

std::optional<std::size_t> ZstdCompression::compress(Bytes plain, Bytes dictionary,
                                                     MutableBytes room) {
    Contexts& c = *contexts_;
    if (!same_place(dictionary, c.compression_dictionary)) {
        check(ZSTD_CCtx_loadDictionary(c.compression, dictionary.data(), dictionary.size()));
        c.compression_dictionary = dictionary;
    }
    const std::size_t size =
        ZSTD_compress2(c.compression, room.data(), room.size(), plain.data(), plain.size());
    if (ZSTD_isError(size) == 0) return size;
    // A frame that did not fit is still open, and would refuse another dictionary.
    check(ZSTD_CCtx_reset(c.compression, ZSTD_reset_session_only));
    return std::nullopt;
}

Result<Bytes> ZstdCompression::decompress(Bytes frame, Bytes dictionary, MutableBytes room) {
    LH_TRY_ASSIGN(const std::size_t content, content_bytes(frame, room.size()));
    Contexts& c = *contexts_;
    if (!same_place(dictionary, c.decompression_dictionary)) {
        check(ZSTD_DCtx_loadDictionary(c.decompression, dictionary.data(), dictionary.size()));
        c.decompression_dictionary = dictionary;
    }
    const std::size_t size =
        ZSTD_decompressDCtx(c.decompression, room.data(), content, frame.data(), frame.size());
    if (ZSTD_isError(size) != 0) {
        check(ZSTD_DCtx_reset(c.decompression, ZSTD_reset_session_only));
        return Error{ErrorCode::corrupt, "zstd frame"};
    }
    if (size != content) return Error{ErrorCode::malformed, "size of a zstd frame"};
    return Bytes{room.first(size)};
}

}  // namespace longhaul
