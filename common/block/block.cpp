#include "common/block/block.hpp"

namespace longhaul {
namespace {

void write_header(const BlockHeader& header, ByteWriter& out) {
    out.u8(block_version);
    out.u8(0);
    out.u16(header.body_bytes);
    out.u32(header.name.incarnation.value);
    out.u32(header.name.epoch.value);
    out.u32(header.name.seq.value);
    out.u16(header.samples);
    out.u16(0);
}

Nonce nonce_of(const BlockName& name) {
    Nonce nonce{};
    ByteWriter out{nonce};
    out.u32(name.incarnation.value);
    out.u32(name.epoch.value);
    out.u32(name.seq.value);
    return nonce;
}

}  // namespace

Result<BlockHeader> parse_block_header(Bytes sealed) {
    if (sealed.size() < block_header_bytes) return Error{ErrorCode::truncated, "block header"};
    ByteReader in{sealed};
    const std::uint8_t version = in.u8();
    if (version != block_version) return Error{ErrorCode::unsupported, "block version"};
    if (in.u8() != 0) return Error{ErrorCode::unsupported, "block flags"};
    BlockHeader header;
    header.body_bytes = in.u16();
    header.name.incarnation.value = in.u32();
    header.name.epoch.value = in.u32();
    header.name.seq.value = in.u32();
    header.samples = in.u16();
    if (in.u16() != 0) return Error{ErrorCode::unsupported, "block reserved bytes"};
    if (header.body_bytes > limits::block_body_bytes_max)
        return Error{ErrorCode::too_large, "block body"};
    if (header.samples > limits::block_samples_max)
        return Error{ErrorCode::too_large, "block samples"};
    if (header.body_bytes < block_tag_bytes) return Error{ErrorCode::malformed, "block body"};
    if (header.name.epoch.value == 0 || header.name.seq.number() == 0) {
        return Error{ErrorCode::malformed, "block name"};
    }
    if (sealed.size() < block_header_bytes + header.body_bytes) {
        return Error{ErrorCode::truncated, "block body"};
    }
    if (sealed.size() > block_header_bytes + header.body_bytes) {
        return Error{ErrorCode::malformed, "bytes after the block"};
    }
    return header;
}

Result<std::size_t> seal_block(const BlockKey& key, const BlockName& name, std::uint16_t samples,
                               Bytes body, MutableBytes out) {
    const std::size_t body_bytes = body.size() + block_tag_bytes;
    if (body_bytes > limits::block_body_bytes_max) return Error{ErrorCode::too_large, "block body"};
    if (out.size() < block_header_bytes + body_bytes)
        return Error{ErrorCode::full, "no room for the block"};
    ByteWriter header{out};
    write_header({name, samples, static_cast<std::uint16_t>(body_bytes)}, header);
    LH_TRY(aead_seal(key, nonce_of(name), header.written(), body,
                     out.subspan(block_header_bytes, body_bytes)));
    return block_header_bytes + body_bytes;
}

Result<Bytes> open_block(const BlockKey& key, Bytes sealed, MutableBytes out) {
    LH_TRY_ASSIGN(const BlockHeader header, parse_block_header(sealed));
    const std::size_t plain_bytes = header.body_bytes - block_tag_bytes;
    if (out.size() < plain_bytes) return Error{ErrorCode::full, "no room for the block's body"};
    LH_TRY(aead_open(key, nonce_of(header.name), sealed.first(block_header_bytes),
                     sealed.subspan(block_header_bytes), out.first(plain_bytes)));
    return Bytes{out.first(plain_bytes)};
}

void write_section(const Section& section, ByteWriter& out) {
    out.u8(section.stream);
    out.u8(section.codec);
    out.varint(section.count);
    out.varint(section.content.size());
    out.bytes(section.content);
}

Result<Section> SectionReader::next() {
    Section section;
    section.stream = in_.u8();
    section.codec = in_.u8();
    const std::uint64_t count = in_.varint();
    const std::uint64_t length = in_.varint();
    if (!in_.ok()) return Error{ErrorCode::malformed, "section header"};
    if (section.stream >= limits::streams_max) return Error{ErrorCode::malformed, "stream index"};
    if (count == 0 || count > limits::section_samples_max) {
        return Error{ErrorCode::malformed, "samples of a section"};
    }
    section.count = static_cast<std::uint16_t>(count);
    if (length > in_.remaining()) return Error{ErrorCode::truncated, "section"};
    section.content = in_.bytes(static_cast<std::size_t>(length));
    return section;
}

}  // namespace longhaul
