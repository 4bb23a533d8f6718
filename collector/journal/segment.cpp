#include "collector/journal/segment.hpp"

#include <array>
#include <charconv>
#include <cstdio>

#include "common/base/crc32c.hpp"

namespace longhaul::collector {
namespace {

constexpr std::string_view segment_magic = "LHJ1";
constexpr std::uint32_t segment_version = 1;
constexpr std::string_view segment_suffix = ".seg";
constexpr std::size_t base_digits = 20;

// Of an entry at its place; the checksum field itself is left out.
std::uint32_t entry_crc(EntryPlace place, Bytes length_field, Bytes content) {
    std::array<std::byte, 16> begin;
    ByteWriter out{begin};
    out.u64(place.salt);
    out.u64(place.offset);
    return crc32c(content, crc32c(length_field, crc32c(begin)));
}

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
    const std::string_view digits = name.substr(0, base_digits);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), base);
    if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size())
        return ErrorCode::malformed;
    return base;
}

Result<std::vector<Offset>> segment_bases(Disk& disk, Shard shard) {
    LH_TRY_ASSIGN(const auto entries, disk.list(shard_folder(shard)));
    std::vector<Offset> bases;
    for (const DiskEntry& entry : entries) {
        if (const auto base = base_of_name(entry.name); base.ok()) bases.push_back(base.value());
    }
    return bases;
}

std::vector<std::byte> write_segment_header(const SegmentHeader& header) {
    std::vector<std::byte> bytes(segment_header_bytes);
    ByteWriter out{bytes};
    out.text(segment_magic);
    out.u32(segment_version);
    out.u32(header.shard);
    out.u64(header.base);
    out.u64(header.salt);
    out.u32(crc32c(out.written()));
    return bytes;
}

Status check_segment_header(Bytes bytes, const SegmentHeader& expected) {
    const Error damaged{ErrorCode::corrupt, "segment header"};
    if (bytes.size() < segment_header_bytes) return damaged;
    ByteReader in{bytes};
    const bool magic = in.text(segment_magic.size()) == segment_magic;
    const std::uint32_t version = in.u32();
    const SegmentHeader header{in.u32(), in.u64(), in.u64()};
    if (in.u32() != crc32c(bytes.first(segment_header_bytes - 4)) || !magic) return damaged;
    if (version != segment_version) return Error{ErrorCode::unsupported, "segment version"};
    if (header != expected) {
        return Error{ErrorCode::malformed, "a segment of another journal, shard or offset"};
    }
    return {};
}

Status add_entry(const JournalEntry& entry, EntryPlace place, std::vector<std::byte>& out) {
    const std::size_t content =
        entry_content_bytes_min + entry.tenant.size() + entry.device.size() + entry.body.size();
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
    ByteWriter{room.subspan(4, 4)}.u32(
        entry_crc(place, room.first(4), room.subspan(entry_header_bytes)));
    return {};
}

Result<ParsedEntry> parse_entry(Bytes bytes, EntryPlace place) {
    if (bytes.size() < entry_header_bytes) return ErrorCode::truncated;
    ByteReader header{bytes};
    const std::size_t length = header.u32();
    const std::uint32_t crc = header.u32();
    if (length < entry_content_bytes_min || length > entry_content_bytes_max) {
        return Error{ErrorCode::corrupt, "length of a journal entry"};
    }
    if (header.remaining() < length) return ErrorCode::truncated;
    const Bytes content = bytes.subspan(entry_header_bytes, length);
    if (crc != entry_crc(place, bytes.first(4), content)) {
        return Error{ErrorCode::corrupt, "journal entry"};
    }
    ByteReader in{content};
    ParsedEntry parsed;
    parsed.entry.receive_time.value = in.i64();
    parsed.entry.kind = static_cast<JournalKind>(in.u8());
    parsed.entry.tenant = in.short_text();
    parsed.entry.device = in.short_text();
    if (!in.ok()) return Error{ErrorCode::corrupt, "journal entry"};
    parsed.entry.body = in.rest();
    parsed.bytes = entry_header_bytes + length;
    parsed.checksum = crc;
    return parsed;
}

std::size_t skip_to_entry(Bytes bytes, EntryPlace place) {
    for (std::size_t skipped = 1; skipped < bytes.size(); ++skipped) {
        if (parse_entry(bytes.subspan(skipped), place.after(skipped)).ok()) return skipped;
    }
    return bytes.size();
}

}  // namespace longhaul::collector
