#include "common/block/section_codec.hpp"

#include <algorithm>
#include <cstring>

#include "common/base/utf8.hpp"
#include "common/block/codec.hpp"

namespace longhaul {
namespace {

// Not in the frame of who codes the columns, which needs as much of the stack.
[[gnu::noinline]] void encode_times_of(SectionSource& source, std::size_t samples,
                                       ByteWriter& writer) {
    std::array<std::int64_t, limits::section_samples_max> times;
    source.read_times(std::span{times}.first(samples));
    encode_times(std::span{times}.first(samples), writer);
}

std::optional<std::size_t> encode_columns(const Schema& schema, std::size_t samples,
                                          SectionSource& source, const SectionMemory& memory,
                                          MutableBytes out) {
    LH_CHECK(samples <= memory.column.size());
    ByteWriter writer{out};
    encode_times_of(source, samples, writer);
    for (std::size_t i = 0; i < schema.fields.size() && writer.ok(); ++i) {
        source.begin_column(i);
        const std::span<Value> column = memory.column.first(samples);
        for (Value& value : column) value = source.next();
        encode_column(schema.fields[i], column, writer);
    }
    if (!writer.ok()) return std::nullopt;
    return writer.size();
}

std::optional<std::size_t> encode_compressed(const Schema& schema, std::size_t samples,
                                             SectionSource& source, const CodecAids& aids,
                                             const SectionMemory& memory, MutableBytes out) {
    if (aids.compression == nullptr) return std::nullopt;
    const MutableBytes room =
        aids.plain.first(std::min(aids.plain.size(), limits::section_plain_bytes_max));
    const auto plain = encode_columns(schema, samples, source, memory, room);
    if (!plain) return std::nullopt;
    return aids.compression->compress(Bytes{room}.first(*plain), aids.model.dictionary(), out);
}

Status decode_columns(const Schema& schema, Bytes content, std::span<std::int64_t> times,
                      std::span<const std::span<Value>> columns) {
    ByteReader in{content};
    LH_TRY(decode_times(in, times));
    for (std::size_t i = 0; i < columns.size(); ++i) {
        LH_TRY(decode_column(schema.fields[i], in, columns[i]));
    }
    return in.at_end() ? Status{} : Error{ErrorCode::malformed, "bytes after the columns"};
}

// A text that comes again is often the same bytes, and not looked at twice.
Status check_texts(std::span<const Value> values) {
    Bytes last;
    for (const Value& value : values) {
        if (value.form != ValueForm::text) continue;
        const bool same = value.text.data() == last.data() && value.text.size() == last.size();
        if (!same && !is_utf8(as_text(value.text)))
            return Error{ErrorCode::malformed, "a text that is not UTF-8"};
        last = value.text;
    }
    return {};
}

Status decode_any(std::uint8_t codec, const Schema& schema, Bytes content, const CodecAids& aids,
                  Codec2Decoder& decoder, std::span<std::int64_t> times,
                  std::span<const std::span<Value>> columns) {
    if (codec == codec_range) return decode_codec2(schema, content, aids, decoder, times, columns);
    if (codec == codec_mixed && aids.mixing != nullptr)
        return aids.mixing->decode(schema, content, aids, decoder, times, columns);
    if (codec == codec_zstd && aids.compression != nullptr) {
        LH_TRY_ASSIGN(
            const Bytes plain,
            aids.compression->decompress(
                content, aids.model.dictionary(),
                aids.plain.first(std::min(aids.plain.size(), limits::section_plain_bytes_max))));
        return decode_columns(schema, plain, times, columns);
    }
    if (codec == codec_columns) return decode_columns(schema, content, times, columns);
    return Error{ErrorCode::unsupported, "codec"};
}

constexpr bool has(CodecSet set, std::uint8_t codec) { return (set >> codec & 1) != 0; }

}  // namespace

std::optional<std::size_t> encode_section(std::uint8_t codec, const Schema& schema,
                                          std::size_t samples, SectionSource& source,
                                          const CodecAids& aids, const SectionMemory& memory,
                                          MutableBytes out) {
    switch (codec) {
        case codec_columns:
            return encode_columns(schema, samples, source, memory, out);
        case codec_zstd:
            return encode_compressed(schema, samples, source, aids, memory, out);
        case codec_range:
            if (memory.range == nullptr) return std::nullopt;
            return encode_codec2(schema, samples, source, aids, *memory.range, out);
        case codec_mixed:
            if (memory.range == nullptr || aids.mixing == nullptr) return std::nullopt;
            return aids.mixing->encode(schema, samples, source, aids, *memory.range, out);
        default:
            return std::nullopt;
    }
}

std::optional<ChosenSection> encode_smallest_section(CodecSet allowed, const Schema& schema,
                                                     std::size_t samples, SectionSource& source,
                                                     const CodecAids& aids,
                                                     const SectionMemory& memory,
                                                     MutableBytes out) {
    std::optional<ChosenSection> best;
    const auto attempt = [&](std::uint8_t codec) {
        const std::size_t used = best ? best->bytes : 0;
        const auto bytes =
            encode_section(codec, schema, samples, source, aids, memory, out.subspan(used));
        if (!bytes || (best && *bytes >= best->bytes)) return;
        std::memmove(out.data(), out.data() + used, *bytes);
        best = ChosenSection{codec, *bytes};
    };
    const bool literals = std::any_of(schema.fields.begin(), schema.fields.end(),
                                      [](const Field& field) { return is_literal(field.kind); });
    if (has(allowed, codec_mixed)) attempt(codec_mixed);
    if (has(allowed, codec_range)) attempt(codec_range);
    if (has(allowed, codec_zstd) && (literals || !best)) attempt(codec_zstd);
    if (!best || !has(allowed, codec_range)) attempt(codec_columns);
    return best;
}

Status decode_section(std::uint8_t codec, const Schema& schema, Bytes content,
                      const CodecAids& aids, Codec2Decoder& decoder, std::span<std::int64_t> times,
                      std::span<const std::span<Value>> columns) {
    LH_TRY(decode_any(codec, schema, content, aids, decoder, times, columns));
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (schema.fields[i].kind == FieldKind::text) LH_TRY(check_texts(columns[i]));
    }
    return {};
}

}  // namespace longhaul
