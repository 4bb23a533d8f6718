// Codec 3 for programs on a host. Specification: docs/spec/codec3.md.
#pragma once

#include <memory>
#include <vector>

#include "common/block/codec2.hpp"
#include "common/block/mixing.hpp"
#include "common/mix/byte_mixer.hpp"
#include "common/mix/mix_plan.hpp"

namespace longhaul {

// One a thread; it keeps what the models that were used last have taught, about 1 MB each, and
// which ones cannot teach.
class MixingCodec final : public Mixing {
 public:
    MixingCodec();
    ~MixingCodec();
    MixingCodec(const MixingCodec&) = delete;
    MixingCodec& operator=(const MixingCodec&) = delete;

    std::optional<std::size_t> encode(const Schema& schema, std::size_t samples,
                                      SectionSource& source, const CodecAids& aids,
                                      Codec2Encoder& encoder, MutableBytes out) override;
    Status decode(const Schema& schema, Bytes content, const CodecAids& aids,
                  Codec2Decoder& decoder, std::span<std::int64_t> times,
                  std::span<const std::span<Value>> columns) override;

    // Where each section begins: as after the examples. Error malformed: they do not decode.
    Status prepare(const Schema& schema, const Model& model);

    // For a trainer: sections go on from each other as a model's examples do, beginning from
    // nothing.
    void begin_examples() {
        examples_ = true;
        mixer_->reset();
    }
    void end_examples() { examples_ = false; }

 private:
    std::optional<std::size_t> encode_section(const Schema& schema, std::size_t samples,
                                              SectionSource& source, const CodecAids& aids,
                                              Codec2Encoder& encoder, MutableBytes out);
    struct Taught {
        std::vector<std::byte> lesson;
        std::unique_ptr<ByteMixer> mixer;  // nullptr: the examples do not decode
    };
    // All streams of a device, so that a block in which each has its own model teaches once.
    static constexpr std::size_t taught_max = limits::streams_max;

    Status teach(const Schema& schema, const Model& model);

    std::unique_ptr<ByteMixer> mixer_;
    std::vector<Taught> taught_;  // the one that was used last is the last
    bool examples_ = false;
};

}  // namespace longhaul
