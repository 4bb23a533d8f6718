#include "collector/journal/journal_meta.hpp"

#include <algorithm>

#include "common/base/crc32c.hpp"

namespace longhaul::collector {
namespace {

constexpr std::string_view meta_magic = "LHJM";
constexpr std::uint32_t meta_version = 1;

}  // namespace

std::vector<std::byte> write_journal_meta(const JournalMeta& meta) {
    std::vector<std::byte> bytes(journal_meta_bytes);
    ByteWriter out{bytes};
    out.text(meta_magic);
    out.u32(meta_version);
    out.bytes(meta.id.uuid);
    out.u32(meta.id.resend);
    out.u32(meta.shards);
    out.u64(meta.salt);
    out.u32(crc32c(out.written()));
    return bytes;
}

Result<JournalMeta> parse_journal_meta(Bytes bytes) {
    if (bytes.size() < journal_meta_bytes) return Error{ErrorCode::truncated, "journal.meta"};
    ByteReader in{bytes};
    if (in.text(meta_magic.size()) != meta_magic) {
        return Error{ErrorCode::malformed, "journal.meta"};
    }
    // The version comes first: another one may end elsewhere.
    if (in.u32() != meta_version) return Error{ErrorCode::unsupported, "version of journal.meta"};
    JournalMeta meta;
    const Bytes uuid = in.bytes(meta.id.uuid.size());
    std::copy(uuid.begin(), uuid.end(), meta.id.uuid.begin());
    meta.id.resend = in.u32();
    meta.shards = in.u32();
    meta.salt = in.u64();
    if (in.u32() != crc32c(bytes.first(journal_meta_bytes - 4))) {
        return Error{ErrorCode::corrupt, "journal.meta"};
    }
    if (!in.at_end()) return Error{ErrorCode::malformed, "bytes after journal.meta"};
    if (meta.shards == 0 || meta.shards > shards_max) {
        return Error{ErrorCode::malformed, "shards of the journal"};
    }
    return meta;
}

}  // namespace longhaul::collector
