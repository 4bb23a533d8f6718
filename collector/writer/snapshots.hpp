// The folder of the writer's snapshots, beside the journal that they are of:
// snapshots/<number>.snap. Specification: docs/spec/snapshot.md.
#pragma once

#include <string>
#include <vector>

#include "collector/writer/snapshot_file.hpp"

namespace longhaul::collector {

inline constexpr std::string_view snapshots_folder = "snapshots";

// What an item of a snapshot holds; those of a tenant follow it.
enum class SnapshotItem : std::uint8_t {
    shard = 1,      // varint shard, u64 blocks below are not released
    tags = 2,       // varint shard, u8 generation, u64 name, u64 content each
    tenant = 3,     // its name
    schema = 4,     // varint shard, encoded schema
    bound = 5,      // varint shard, hash; in the order in which they got their columns
    model = 6,      // varint shard, encoded model
    table = 7,      // counted name, zigzag varint txn of each shard
    streams = 8,    // varint id, streams
    device = 9,     // counted name, state
    counts = 10,    // u64 blocks, duplicates, quarantined, released, damaged
    facts = 12,     // counted name, what else is known of the device
    usage = 11,     // varint shard, what a device has used in this hour
    adopted = 13,   // a table's commits of other journals, see adoption.hpp
    adopting = 14,  // varint shard, entries read of its adoption, which has not ended
};

std::string snapshot_path(std::uint64_t number);

// Numbers of those that are there, the newest first.
Result<std::vector<std::uint64_t>> snapshot_numbers(Disk& disk);

// The file that becomes the next snapshot; one that was not finished is removed.
Result<std::unique_ptr<DiskFile>> begin_snapshot(Disk& disk);
// What begin_snapshot() gave and SnapshotWriter has finished is this snapshot from here on.
Status name_snapshot(Disk& disk, std::uint64_t number);
// Removes every other one.
Status keep_snapshots(Disk& disk, const std::vector<std::uint64_t>& kept);

}  // namespace longhaul::collector
