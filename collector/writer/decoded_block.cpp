#include "collector/writer/decoded_block.hpp"

#include <algorithm>
#include <bitset>

#include "common/block/section_codec.hpp"

namespace longhaul::collector {
namespace {

constexpr std::size_t rooms_kept = limits::streams_max;  // from block to block

Status decode_system(const Section& section, DecodedBlock& block) {
    ByteReader in{section.content};
    for (std::size_t i = 0; i < section.count; ++i) {
        longhaul_SystemEntry entry;
        LH_TRY(read_system_entry(in, entry));
        block.system.push_back(entry);
    }
    return in.at_end() ? Status{} : Error{ErrorCode::malformed, "bytes after the system entries"};
}

}  // namespace

MutableBytes BlockDecoder::next_room() {
    constexpr std::size_t bytes = limits::section_plain_bytes_max;
    if (rooms_used_ == rooms_.size())
        rooms_.push_back(std::make_unique_for_overwrite<std::byte[]>(bytes));
    return {rooms_[rooms_used_++].get(), bytes};
}

Result<DecodedSection> BlockDecoder::decode_samples(const Section& section,
                                                    const StreamFormat& stream) {
    DecodedSection decoded;
    decoded.stream = section.stream;
    decoded.times.resize(section.count);
    decoded.columns.resize(stream.schema->fields.size());
    spans_.clear();
    for (std::vector<Value>& column : decoded.columns) {
        column.resize(section.count);
        spans_.emplace_back(column);
    }
    const MutableBytes plain = section.codec == codec_columns ? MutableBytes{} : next_room();
    if (section.codec == codec_mixed && !mixing_) mixing_.emplace();
    const CodecAids aids{stream.model, &zstd_, plain, mixing_ ? &*mixing_ : nullptr};
    LH_TRY(decode_section(section.codec, *stream.schema, section.content, aids, range_,
                          decoded.times, spans_));
    return decoded;
}

Result<DecodedBlock> BlockDecoder::decode(Bytes body, std::span<const StreamFormat> streams,
                                          std::uint16_t samples) {
    rooms_.resize(std::min(rooms_.size(), rooms_kept));
    rooms_used_ = 0;
    DecodedBlock block;
    std::size_t seen = 0;
    std::bitset<limits::streams_max> mixed;  // streams that had their section in codec 3
    for (SectionReader reader{body}; !reader.at_end();) {
        LH_TRY_ASSIGN(const Section section, reader.next());
        if (section.stream == system_stream) {
            if (section.codec != codec_columns) return Error{ErrorCode::unsupported, "codec"};
            LH_TRY(decode_system(section, block));
            continue;
        }
        if (section.stream >= streams.size() || streams[section.stream].schema == nullptr) {
            return Error{ErrorCode::not_found,
                         "a stream that the epoch does not list, or whose schema is missing"};
        }
        if (section.codec == codec_mixed) {
            if (mixed[section.stream])
                return Error{ErrorCode::malformed, "a second section of a stream in codec 3"};
            mixed.set(section.stream);
        }
        seen += section.count;
        if (seen > samples) break;
        LH_TRY_ASSIGN(DecodedSection decoded, decode_samples(section, streams[section.stream]));
        block.sections.push_back(std::move(decoded));
    }
    if (seen != samples)
        return Error{ErrorCode::malformed, "other number of samples than the header says"};
    return block;
}

std::uint64_t bytes_of(const DecodedBlock& block) {
    std::uint64_t bytes = 0;
    for (const DecodedSection& section : block.sections) {
        bytes += section.times.size() * sizeof(std::int64_t);
        for (const std::vector<Value>& column : section.columns) {
            for (const Value& value : column) {
                if (value.form == ValueForm::null) continue;
                bytes += value.form == ValueForm::text ? value.text.size() : sizeof(std::int64_t);
            }
        }
    }
    return bytes;
}

}  // namespace longhaul::collector
