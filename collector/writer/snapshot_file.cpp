#include "collector/writer/snapshot_file.hpp"

#include <algorithm>

#include "collector/journal/journal_meta.hpp"
#include "common/base/crc32c.hpp"

namespace longhaul::collector {
namespace {

constexpr std::string_view magic = "LHWS";
constexpr std::uint32_t oldest_version = 3;       // without what connections cost
constexpr std::size_t part_bytes = 256 * 1024;    // about; an item is never cut
constexpr std::size_t part_bytes_max = 64 << 20;  // one device's state may be large

std::vector<std::byte> encode_head(const SnapshotHead& head) {
    ByteSink out;
    out.bytes(as_bytes(magic));
    out.u32(head.version);
    out.bytes(head.journal);
    out.u64(head.number);
    out.u32(static_cast<std::uint32_t>(head.offsets.size()));
    for (const Offset offset : head.offsets) out.u64(offset);
    out.bytes(head.key);
    out.bytes(head.salt);
    out.u32(crc32c(out.written()));
    return {out.written().begin(), out.written().end()};
}

Result<BlockKey> derive_key(const SnapshotHead& head, const PrivateKey& key) {
    BlockKey derived;
    LH_TRY(hkdf_expand(hkdf_extract(head.salt, key.bytes), as_bytes("longhaul writer snapshot"),
                       derived.bytes));
    return derived;
}

// A part that is taken for another one does not open.
Nonce nonce_of(std::uint64_t part) {
    Nonce nonce{};
    ByteWriter out{nonce};
    out.u64(part);
    return nonce;
}

}  // namespace

Result<SnapshotHead> parse_snapshot_head(Bytes bytes) {
    const Error damaged{ErrorCode::corrupt, "its head is damaged"};
    ByteReader in{bytes};
    if (in.text(magic.size()) != magic) return damaged;
    SnapshotHead head;
    head.version = in.u32();
    const Bytes uuid = in.bytes(head.journal.size());
    std::copy(uuid.begin(), uuid.end(), head.journal.begin());
    head.number = in.u64();
    const std::uint32_t shards = in.u32();
    if (shards == 0 || shards > shards_max) return damaged;
    for (std::uint32_t i = 0; i < shards; ++i) head.offsets.push_back(in.u64());
    const Bytes key = in.bytes(head.key.size());
    std::copy(key.begin(), key.end(), head.key.begin());
    const Bytes salt = in.bytes(head.salt.size());
    std::copy(salt.begin(), salt.end(), head.salt.begin());
    const std::size_t summed = bytes.size() - in.remaining();
    if (in.u32() != crc32c(bytes.first(summed)) || !in.ok()) return damaged;
    if (head.version < oldest_version || head.version > snapshot_version)
        return Error{ErrorCode::unsupported, "it is of a version that this program does not know"};
    return head;
}

Result<SnapshotWriter> SnapshotWriter::begin(std::unique_ptr<DiskFile> file,
                                             const SnapshotHead& head, const PrivateKey& key) {
    LH_TRY_ASSIGN(const BlockKey derived, derive_key(head, key));
    SnapshotWriter writer{std::move(file), encode_head(head), derived};
    LH_TRY(writer.file_->append(writer.head_));
    return writer;
}

Status SnapshotWriter::put(std::uint8_t kind, Bytes content) {
    items_.u8(kind);
    items_.counted(content);
    if (items_.size() > part_bytes_max - aead_tag_bytes)
        return Error{ErrorCode::too_large, "an item of a snapshot"};
    return items_.size() < part_bytes ? Status{} : write_part();
}

Status SnapshotWriter::write_part() {
    std::vector<std::byte> part(4 + items_.size() + aead_tag_bytes);
    ByteWriter{part}.u32(static_cast<std::uint32_t>(part.size() - 4));
    LH_TRY(aead_seal(key_, nonce_of(parts_++), head_, items_.written(),
                     MutableBytes{part}.subspan(4)));
    items_.clear();
    return file_->append(part);
}

Status SnapshotWriter::finish() {
    if (items_.size() != 0) LH_TRY(write_part());
    LH_TRY(write_part());
    return file_->sync();
}

Status read_snapshot(DiskFile& file, const PrivateKey& key, const TakeItem& take) {
    const Error damaged{ErrorCode::corrupt, "it is damaged"};
    std::vector<std::byte> bytes(snapshot_head_bytes_max);
    LH_TRY_ASSIGN(const std::size_t got, file.read_at(0, bytes));
    bytes.resize(got);
    LH_TRY_ASSIGN(const SnapshotHead head, parse_snapshot_head(bytes));
    const std::vector<std::byte> head_bytes = encode_head(head);
    LH_TRY_ASSIGN(const BlockKey derived, derive_key(head, key));
    LH_TRY_ASSIGN(const std::uint64_t size, file.size());
    std::uint64_t at = head_bytes.size();
    std::vector<std::byte> plain;
    for (std::uint64_t part = 0;; ++part) {
        std::array<std::byte, 4> length_field{};
        LH_TRY_ASSIGN(const std::size_t read, file.read_at(at, length_field));
        const std::size_t length = ByteReader{length_field}.u32();
        at += 4;
        if (read != 4 || length < aead_tag_bytes || length > part_bytes_max || length > size - at)
            return damaged;
        bytes.resize(length);
        LH_TRY_ASSIGN(const std::size_t filled, file.read_at(at, bytes));
        if (filled != length) return damaged;
        at += length;
        plain.resize(length - aead_tag_bytes);
        if (!aead_open(derived, nonce_of(part), head_bytes, bytes, plain).ok()) return damaged;
        if (plain.empty()) return at == size ? Status{} : damaged;
        for (ByteReader in{plain}; !in.at_end();) {
            const std::uint8_t kind = in.u8();
            const Bytes content = read_counted(in);
            if (!in.ok()) return Error{ErrorCode::malformed, "an item ends before it should"};
            LH_TRY(take(kind, content));
        }
    }
}

}  // namespace longhaul::collector
