// A block opened and taken apart, all of it or nothing.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/block/block.hpp"
#include "common/block/codec2.hpp"
#include "common/block/epoch.hpp"
#include "common/mix/mixing_codec.hpp"
#include "common/zstd/zstd_compression.hpp"

namespace longhaul::collector {

// How the samples of a stream of an epoch are coded.
struct StreamFormat {
    const Schema* schema = nullptr;  // nullptr: no such stream, or its schema is missing
    Model model{};
};

struct DecodedSection {
    std::uint8_t stream = 0;
    std::vector<std::int64_t> times;
    std::vector<std::vector<Value>> columns;  // by field
};

// Texts point into the block's body and into the decoder.
struct DecodedBlock {
    std::vector<longhaul_SystemEntry> system;
    std::vector<DecodedSection> sections;
};
// Of its times and values: 8 for each number, and the length of a text.
std::uint64_t bytes_of(const DecodedBlock& block);

// One a thread. What it returns is good until it is called again. Models outlive it.
class BlockDecoder {
 public:
    // `streams` by their index in the epoch. The error's detail is the reason that goes into
    // quarantine; not_found: the schema of one of its streams is missing.
    Result<DecodedBlock> decode(Bytes body, std::span<const StreamFormat> streams,
                                std::uint16_t samples);

 private:
    Result<DecodedSection> decode_samples(const Section& section, const StreamFormat& stream);
    MutableBytes next_room();

    ZstdCompression zstd_;
    std::optional<MixingCodec> mixing_;  // as soon as it is needed
    Codec2Decoder range_;
    std::vector<std::span<Value>> spans_;
    // What the codecs give back, for each section of the block one; pages that stay unused cost
    // nothing.
    std::vector<std::unique_ptr<std::byte[]>> rooms_;
    std::size_t rooms_used_ = 0;
};

}  // namespace longhaul::collector
