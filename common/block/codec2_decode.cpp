// Codec 2, from bytes to samples.
#include <algorithm>

#include "common/block/codec2.hpp"
#include "common/block/codec2_section_decoder.hpp"

namespace longhaul {
namespace {

struct Parts {
    Bytes coded;
    Bytes literals;
};

Result<Parts> split(Bytes content, const CodecAids& aids) {
    ByteReader in{content};
    const std::uint8_t head = in.u8();
    if (!in.ok()) return ErrorCode::truncated;
    if ((head & ~codec2_head::known) != 0) return Error{ErrorCode::unsupported, "section head"};
    if (head == codec2_head::compressed) return Error{ErrorCode::malformed, "section head"};
    if (head == 0) return Parts{in.rest(), {}};
    const std::uint64_t size = in.varint();
    if (!in.ok() || size == 0 || size > in.remaining())
        return Error{ErrorCode::malformed, "length of the literals"};
    Parts parts;
    parts.coded = in.bytes(in.remaining() - static_cast<std::size_t>(size));
    parts.literals = in.rest();
    if ((head & codec2_head::compressed) == 0) return parts;
    if (aids.compression == nullptr) return Error{ErrorCode::unsupported, "compressed literals"};
    LH_TRY_ASSIGN(
        parts.literals,
        aids.compression->decompress(
            parts.literals, aids.model.dictionary(),
            aids.plain.first(std::min(aids.plain.size(), limits::section_plain_bytes_max))));
    return parts;
}

}  // namespace

Status decode_codec2(const Schema& schema, Bytes content, const CodecAids& aids,
                     Codec2Decoder& decoder, std::span<std::int64_t> times,
                     std::span<const std::span<Value>> columns) {
    LH_CHECK(!times.empty() && times.size() <= limits::section_samples_max);
    LH_CHECK(columns.size() == schema.fields.size());
    LH_TRY_ASSIGN(const Parts parts, split(content, aids));
    SectionDecoder section{parts.coded, parts.literals, aids.model, decoder, times.size()};
    LH_TRY(section.times(times));
    for (std::size_t i = 0; i < columns.size(); ++i) {
        LH_CHECK(columns[i].size() == times.size());
        LH_TRY(section.field(i, schema.fields[i], columns[i]));
    }
    return section.end();
}

}  // namespace longhaul
