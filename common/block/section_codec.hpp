// The content of a section of samples in any codec: one way in, one way out. Specification:
// docs/spec/codec.md.
//
//    0 columns       the columns as varints; needs nothing
//    1 zstd          the same bytes as a zstd frame; needs Compression
//    2 range coder   the smallest for numbers; texts and floats shrink only with Compression
//    3 mixed         the smallest for the rest; needs Mixing, and time
//
// Nothing allocates; the caller brings the memory.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/block/block.hpp"
#include "common/block/codec2.hpp"
#include "common/block/schema.hpp"
#include "common/block/section_source.hpp"
#include "common/block/value.hpp"

namespace longhaul {

struct SectionMemory {
    Codec2Encoder* range = nullptr;  // for codec 2
    std::span<Value> column;         // for codecs 0 and 1: limits::section_samples_max of them
};

// The content in this codec; its size, or nothing when it does not fit into `out`, `aids.plain` is
// too small, or the codec needs what is not there. Codec 0 always fits into what SectionBound says.
std::optional<std::size_t> encode_section(std::uint8_t codec, const Schema& schema,
                                          std::size_t samples, SectionSource& source,
                                          const CodecAids& aids, const SectionMemory& memory,
                                          MutableBytes out);

// A set of codecs: bit n for codec n. Codec 0 is always allowed, and codec 3 is for who asks for
// it.
using CodecSet = std::uint8_t;
inline constexpr CodecSet usual_codecs = 1U << codec_columns | 1U << codec_zstd | 1U << codec_range;
// The one that configurations call so; empty: there is none of that name. Codec 0 has no name, for
// no other one carries every sample in a bounded room.
inline CodecSet codec_named(std::string_view name) {
    if (name == "zstd") return 1U << codec_zstd;
    if (name == "range") return 1U << codec_range;
    if (name == "mixed") return 1U << codec_mixed;
    return 0;
}

struct ChosenSection {
    std::uint8_t codec = codec_columns;
    std::size_t bytes = 0;
};

// The smallest content that the codecs in `allowed` give, or nothing when none of them fits into
// `out`. Codec 1 is tried beside codec 2 only where there are texts or floats, codec 0 beside
// codec 2 only where that does not fit, and two of them only where `out` holds both.
std::optional<ChosenSection> encode_smallest_section(CodecSet allowed, const Schema& schema,
                                                     std::size_t samples, SectionSource& source,
                                                     const CodecAids& aids,
                                                     const SectionMemory& memory, MutableBytes out);

// Fills times and columns, one span a field, each as long as times. Texts point into `content` or
// `aids.plain`, and those of text fields are UTF-8. The error's detail is a reason for people.
Status decode_section(std::uint8_t codec, const Schema& schema, Bytes content,
                      const CodecAids& aids, Codec2Decoder& decoder, std::span<std::int64_t> times,
                      std::span<const std::span<Value>> columns);

}  // namespace longhaul
