// A device's state as bytes: what snapshots hold, and how devices that are not heard of lie in
// memory. Specification: docs/spec/snapshot.md.
#pragma once

#include <functional>

#include "collector/writer/byte_sink.hpp"
#include "collector/writer/device_memory.hpp"

namespace longhaul::collector {

void encode_device(const DeviceMemory& device, ByteSink& out);

// nullptr: there is no such set of streams. Users are not counted here.
using FindStreams = std::function<StreamSet*(std::uint32_t id)>;
// Error malformed: nothing that encode_device() writes.
Result<DeviceMemory> decode_device(Bytes bytes, const FindStreams& find_streams);

// Parts of it that an adoption has, too; `max`: of runs.
void encode_runs(const SeqRuns& runs, ByteSink& out);
SeqRuns decode_runs(ByteReader& in, std::size_t max);
void encode_anchors(const EpochState& epoch, ByteSink& out);
void decode_anchors(ByteReader& in, EpochState& epoch);
// What each table has, by name.
void encode_adopted_tables(const AdoptedBlocks& adopted, ByteSink& out);
void decode_adopted_tables(ByteReader& in, AdoptedBlocks& adopted);

void encode_streams(const std::vector<StreamEntry>& entries, ByteSink& out);
Result<std::vector<StreamEntry>> decode_streams(ByteReader& in);

}  // namespace longhaul::collector
