#include "collector/journal/segment.hpp"

#include <charconv>
#include <cstdio>

#include "common/base/crc32c.hpp"

namespace longhaul::collector {
namespace {

constexpr std::string_view segment_magic = "LHJ1";
constexpr std::uint32_t segment_version = 1;
constexpr std::string_view segment_suffix = ".seg";
constexpr std::size_t base_digits = 20;

}  // namespace

std::string shard_folder(Shard shard) {
    char name[32];
    std::snprintf(name, sizeof(name), "shard-%04u", shard);
    return name;
}

std::string segment_path(Shard shard, Offset base) {
    char name[32];
    std::snprintf(name, sizeof(name), "/%020llu", static_cast<unsigned long long>(base));
    return shard_folder(shard) + name + std::string{segment_suffix};
}

Result<Offset> base_of_name(std::string_view name) {
    if (name.size() != base_digits + segment_suffix.size() || !name.ends_with(segment_suffix)) {
        return ErrorCode::malformed;
    }
    Offset base = 0;
    const char* end = name.data() + base_digits;
    const auto parsed = std::from_chars(name.data(), end, base);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return ErrorCode::malformed;
    return base;
}

std::vector<std::byte> make_segment_header(Shard shard, Offset base) {
    std::vector<std::byte> header(segment_header_bytes);
    ByteWriter out{header};
    out.text(segment_magic);
    out.u32(segment_version);
    out.u32(shard);
    out.u64(base);
    out.u32(crc32c(out.written()));
    return header;
}

Status check_segment_header(Bytes header, Shard shard, Offset base) {
    if (header.size() < segment_header_bytes) return Error{ErrorCode::truncated, "segment header"};
    ByteReader in{header};
    if (in.text(segment_magic.size()) != segment_magic)
        return Error{ErrorCode::malformed, "not a segment"};
    if (in.u32() != segment_version) return Error{ErrorCode::unsupported, "segment version"};
    const bool fits = in.u32() == shard && in.u64() == base;
    if (in.u32() != crc32c(header.first(segment_header_bytes - 4))) {
        return Error{ErrorCode::corrupt, "segment header"};
    }
    return fits ? Status{} : Error{ErrorCode::malformed, "segment under another's name"};
}

Status add_entry(const JournalEntry& entry, std::vector<std::byte>& out) {
    const std::size_t content =
        8 + 1 + 1 + entry.tenant.size() + 1 + entry.device.size() + entry.body.size();
    if (entry.tenant.size() > 255 || entry.device.size() > 255 ||
        content > entry_content_bytes_max) {
        return Error{ErrorCode::too_large, "journal entry"};
    }
    const std::size_t begin = out.size();
    out.resize(begin + entry_header_bytes + content);
    const MutableBytes room = MutableBytes{out}.subspan(begin);
    ByteWriter writer{room};
    writer.u32(static_cast<std::uint32_t>(content));
    writer.u32(0);
    writer.i64(entry.receive_time.value);
    writer.u8(static_cast<std::uint8_t>(entry.kind));
    writer.short_text(entry.tenant);
    writer.short_text(entry.device);
    writer.bytes(entry.body);
    const std::uint32_t crc = crc32c(room.subspan(entry_header_bytes), crc32c(room.first(4)));
    ByteWriter{room.subspan(4, 4)}.u32(crc);
    return {};
}

Result<ParsedEntry> parse_entry(Bytes bytes) {
    if (bytes.size() < entry_header_bytes) return ErrorCode::truncated;
    ByteReader header{bytes};
    const std::size_t length = header.u32();
    const std::uint32_t crc = header.u32();
    if (length > entry_content_bytes_max)
        return Error{ErrorCode::corrupt, "length of a journal entry"};
    if (header.remaining() < length) return ErrorCode::truncated;
    const Bytes content = bytes.subspan(entry_header_bytes, length);
    if (crc != crc32c(content, crc32c(bytes.first(4))))
        return Error{ErrorCode::corrupt, "journal entry"};
    ByteReader in{content};
    ParsedEntry parsed;
    parsed.entry.receive_time.value = in.i64();
    parsed.entry.kind = static_cast<JournalKind>(in.u8());
    parsed.entry.tenant = in.short_text();
    parsed.entry.device = in.short_text();
    if (!in.ok()) return Error{ErrorCode::corrupt, "journal entry"};
    parsed.entry.body = in.rest();
    parsed.bytes = entry_header_bytes + length;
    return parsed;
}

std::size_t skip_to_entry(Bytes bytes) {
    for (std::size_t skipped = 1; skipped < bytes.size(); ++skipped) {
        if (parse_entry(bytes.subspan(skipped)).ok()) return skipped;
    }
    return bytes.size();
}

}  // namespace longhaul::collector
