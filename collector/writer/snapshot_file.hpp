// A snapshot's file: a head that says of which journal and up to where, then parts, sealed with a
// key that only a writer can derive. Specification: docs/spec/snapshot.md.
//
//   head   "LHWS", u32 version = 5, uuid (16), u64 number, u32 shards, u64 offset each,
//          sealing key's id (8), salt (16), u32 crc32c of all before
//   part   u32 length, AES-128-GCM of so many bytes, the tag among them; additional data: the head
//   last part: empty
//
// A part holds items: u8 kind, varint length, content. What an item means is for the writer.
#pragma once

#include <functional>
#include <vector>

#include "collector/disk/disk.hpp"
#include "collector/journal/journal.hpp"
#include "collector/writer/byte_sink.hpp"
#include "common/block/epoch.hpp"

namespace longhaul::collector {

inline constexpr std::uint32_t snapshot_version = 5;

struct SnapshotHead {
    std::uint32_t version = snapshot_version;
    Uuid journal{};
    std::uint64_t number = 0;     // rises from snapshot to snapshot
    std::vector<Offset> offsets;  // by shard: all before them is in the state
    SealingKeyId key{};
    std::array<std::byte, 16> salt{};
};

class SnapshotWriter {
 public:
    static Result<SnapshotWriter> begin(std::unique_ptr<DiskFile> file, const SnapshotHead& head,
                                        const PrivateKey& key);
    Status put(std::uint8_t kind, Bytes content);
    // The end, synced.
    Status finish();

 private:
    SnapshotWriter(std::unique_ptr<DiskFile> file, std::vector<std::byte> head, BlockKey key)
        : file_{std::move(file)}, head_{std::move(head)}, key_{key} {}
    Status write_part();

    std::unique_ptr<DiskFile> file_;
    std::vector<std::byte> head_;
    BlockKey key_;
    std::uint64_t parts_ = 0;
    ByteSink items_;
};

// Error corrupt: damaged; unsupported: of another version. `bytes` is the front of the file.
inline constexpr std::size_t snapshot_head_bytes_max = 64 + 8 * 4096;
Result<SnapshotHead> parse_snapshot_head(Bytes bytes);

// Every item in order; ends at the first error, also of `take`. Error corrupt: what is read is not
// what was written, or its end is missing. The file's end proves it whole, so nothing that `take`
// got counts before this returns.
using TakeItem = std::function<Status(std::uint8_t kind, Bytes content)>;
Status read_snapshot(DiskFile& file, const PrivateKey& key, const TakeItem& take);

}  // namespace longhaul::collector
