// How large sections become with a model: what training and its report measure with.
#pragma once

#include <memory>

#include "common/block/section_codec.hpp"
#include "common/mix/mixing_codec.hpp"
#include "common/zstd/zstd_compression.hpp"
#include "tools/model/recordings.hpp"

namespace longhaul {

class SectionSizes {
 public:
    explicit SectionSizes(const Schema& schema) : schema_{schema} {}

    // The content's bytes in the smallest of these codecs.
    std::size_t smallest(CodecSet codecs, const Model& model, const SampleRun& run);
    // A section of codec 3 that goes on from the ones before, as examples do; none: it does not
    // fit.
    Bytes example(const Model& model, const SampleRun& run);
    void begin_examples() { mixing_.begin_examples(); }
    void end_examples() { mixing_.end_examples(); }
    // Its texts, bytes and floats, those that are not the same as one shortly before.
    Bytes literals(const SampleRun& run);

 private:
    CodecAids aids(const Model& model, bool compression) {
        return {model, compression ? &zstd_ : nullptr, plain_, &mixing_};
    }

    const Schema& schema_;
    ZstdCompression zstd_;
    MixingCodec mixing_;
    std::unique_ptr<Codec2Encoder> encoder_ = std::make_unique<Codec2Encoder>();
    std::vector<std::byte> plain_ = std::vector<std::byte>(2 * limits::section_plain_bytes_max);
    std::vector<Value> column_ = std::vector<Value>(limits::section_samples_max);
    std::vector<std::byte> out_ = std::vector<std::byte>(std::size_t{1} << 20);
};

// Consecutive sections of `samples` each, what is left at a run's end too if it is at least a
// quarter; at most about `samples_max` samples, spread evenly.
std::vector<SampleRun> spread_sections(std::span<const SampleRun> runs, std::size_t samples,
                                       std::size_t samples_max);

}  // namespace longhaul
