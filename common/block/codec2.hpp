// Codec 2: a section's columns through an adaptive range coder, with the probabilities of a model.
// Specification: docs/spec/codec.md.
//
// Neither side allocates. Callers use common/block/section_codec.hpp, which knows all codecs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "common/block/codec2_contexts.hpp"
#include "common/block/compression.hpp"
#include "common/block/limits.hpp"
#include "common/block/mixing.hpp"
#include "common/block/model.hpp"
#include "common/block/schema.hpp"
#include "common/block/section_source.hpp"
#include "common/block/value.hpp"

namespace longhaul {

// How many values back the encoder looks for the same text, bytes or float.
inline constexpr std::size_t codec2_look_back = 32;

// The encoder's memory, apart from some 700 bytes of stack.
struct Codec2Encoder {
    struct LiteralPlace {
        std::uint16_t offset = 0;
        std::uint16_t size = 0;
        std::uint16_t tag = 0;  // what equal bytes have in common
    };
    ColumnContexts contexts;
    std::array<std::int64_t, limits::section_samples_max> integers;
    std::array<std::uint8_t, limits::section_samples_max> rows;
    std::array<LiteralPlace, codec2_look_back> literals;
};
// It fits into 4 KiB on any machine.
static_assert(sizeof(Codec2Encoder) <= 4096);

// The decoder's memory.
struct Codec2Decoder {
    ColumnContexts contexts;
    std::array<std::uint8_t, limits::section_samples_max> rows;
    std::array<std::uint8_t, limits::section_samples_max> order;  // rows of a column's values
};

// What both sides of codecs 1 to 3 may lean on.
struct CodecAids {
    Model model;                         // of the stream
    Compression* compression = nullptr;  // none on a small device
    MutableBytes plain;        // room for what is not range-coded, and for what was compressed
    Mixing* mixing = nullptr;  // codec 3; none on a small device
};

// The bytes written, or nothing when they do not fit into `out` or `aids.plain`.
std::optional<std::size_t> encode_codec2(const Schema& schema, std::size_t samples,
                                         SectionSource& source, const CodecAids& aids,
                                         Codec2Encoder& encoder, MutableBytes out);

// Fills times and columns, one span a field of as many values. Texts point into `content` or
// `aids.plain`. Refuses what docs/spec/codec.md says.
Status decode_codec2(const Schema& schema, Bytes content, const CodecAids& aids,
                     Codec2Decoder& decoder, std::span<std::int64_t> times,
                     std::span<const std::span<Value>> columns);

}  // namespace longhaul
