// Codec 3 as the codecs see it: on a host an object of common/mix, nothing on a small device.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/block/schema.hpp"
#include "common/block/section_source.hpp"

namespace longhaul {

struct CodecAids;
struct Codec2Encoder;
struct Codec2Decoder;

class Mixing {
 public:
    // The bytes written, or nothing when they do not fit into `out` or `aids.plain`, or the values
    // are more than a section may hold.
    virtual std::optional<std::size_t> encode(const Schema& schema, std::size_t samples,
                                              SectionSource& source, const CodecAids& aids,
                                              Codec2Encoder& encoder, MutableBytes out) = 0;
    // Texts point into `aids.plain`.
    virtual Status decode(const Schema& schema, Bytes content, const CodecAids& aids,
                          Codec2Decoder& decoder, std::span<std::int64_t> times,
                          std::span<const std::span<Value>> columns) = 0;

 protected:
    ~Mixing() = default;
};

}  // namespace longhaul
