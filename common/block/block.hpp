// The block: one header in the clear, one sealed body. Specification: docs/spec/block.md.
//
//    0 u8  version = 1      4 u32 incarnation     12 u32 seq (class in its top two bits)
//    1 u8  flags = 0        8 u32 epoch           16 u16 samples
//    2 u16 body bytes                             18 u16 reserved = 0
//   20 …   body: AES-128-GCM ciphertext, then the 16-byte tag
//
// The plain body is a row of sections: u8 stream, u8 codec, varint count, varint length, coded
// columns.
#pragma once

#include <array>
#include <cstdint>

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/block/crypto.hpp"
#include "common/block/limits.hpp"

namespace longhaul {

inline constexpr std::uint8_t block_version = 1;
inline constexpr std::size_t block_header_bytes = 20;
inline constexpr std::size_t block_tag_bytes = 16;
inline constexpr std::size_t block_bytes_max = block_header_bytes + limits::block_body_bytes_max;

struct BlockHeader {
    BlockName name;
    std::uint16_t samples = 0;     // of all streams but the system's
    std::uint16_t body_bytes = 0;  // ciphertext and tag
};

// Reads the header of a sealed block and checks that the block is exactly as long as it says.
Result<BlockHeader> parse_block_header(Bytes sealed);

// Seals `body` into `out` (which must not overlap it); returns the bytes written.
// Relies on: a name is never sealed twice under one key.
Result<std::size_t> seal_block(const BlockKey& key, const BlockName& name, std::uint16_t samples,
                               Bytes body, MutableBytes out);

// Opens a sealed block into `out`; returns the plain body, a part of `out`. Error corrupt when the
// block, its header or the key is not the right one.
Result<Bytes> open_block(const BlockKey& key, Bytes sealed, MutableBytes out);

inline constexpr std::uint8_t system_stream = 0;
// How the content of a section of samples is coded; the system stream's is always 0.
inline constexpr std::uint8_t codec_columns = 0;
inline constexpr std::uint8_t codec_zstd = 1;
inline constexpr std::uint8_t codec_range = 2;
inline constexpr std::uint8_t codec_mixed = 3;

struct Section {
    std::uint8_t stream = 0;
    std::uint8_t codec = 0;
    std::uint16_t count = 0;  // samples, or entries of the system stream
    Bytes content;
};

void write_section(const Section& section, ByteWriter& out);

// Walks the sections of an opened body: next() until at_end().
class SectionReader {
 public:
    explicit SectionReader(Bytes body) : in_{body} {}
    bool at_end() const { return in_.at_end(); }
    Result<Section> next();

 private:
    ByteReader in_;
};

}  // namespace longhaul
