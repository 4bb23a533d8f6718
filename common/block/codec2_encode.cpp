// Codec 2, from samples to bytes.
#include <cstring>

#include "common/block/codec2.hpp"
#include "common/block/codec2_coder.hpp"
#include "common/block/codec2_section.hpp"

namespace longhaul {
namespace {

// Head and literals around the coded part, which lies in `out` behind room for the longest head.
std::optional<std::size_t> complete(std::size_t coded, Bytes literals, const CodecAids& aids,
                                    MutableBytes out) {
    std::uint8_t flags = literals.empty() ? 0 : codec2_head::literals;
    if (!literals.empty() && aids.compression != nullptr) {
        const MutableBytes room = aids.plain.subspan(literals.size());
        const std::size_t room_bytes = std::min(room.size(), literals.size() - 1);
        const auto size =
            aids.compression->compress(literals, aids.model.dictionary(), room.first(room_bytes));
        if (size) {
            literals = Bytes{room}.first(*size);
            flags |= codec2_head::compressed;
        }
    }
    ByteWriter head{out};
    head.u8(flags);
    if (flags != 0) head.varint(literals.size());
    const std::size_t size = head.size() + coded + literals.size();
    if (size > out.size()) return std::nullopt;
    std::memmove(out.data() + head.size(), out.data() + codec2_head::bytes_max, coded);
    if (!literals.empty())
        std::memcpy(out.data() + head.size() + coded, literals.data(), literals.size());
    return size;
}

}  // namespace

std::optional<std::size_t> encode_codec2(const Schema& schema, std::size_t samples,
                                         SectionSource& source, const CodecAids& aids,
                                         Codec2Encoder& encoder, MutableBytes out) {
    LH_CHECK(samples > 0 && samples <= limits::section_samples_max);
    if (out.size() < codec2_head::bytes_max) return std::nullopt;
    RangeCoder coder{ModelReader{aids.model}, encoder.contexts,
                     RangeEncoder{out.subspan(codec2_head::bytes_max)}};
    SectionEncoder<RangeCoder> section{samples, source, coder, encoder, aids.plain};
    section.times();
    for (std::size_t i = 0; i < schema.fields.size() && section.ok() && coder.range.ok(); ++i) {
        section.field(i, schema.fields[i]);
    }
    const std::size_t coded = coder.range.finish();
    if (!section.ok() || !coder.range.ok()) return std::nullopt;
    return complete(coded, section.literals_written(), aids, out);
}

}  // namespace longhaul
