// A checkpoint: all that a Delta log says up to a version, in one Parquet file of its folder
// (protocol, "Checkpoints", classic form). Specification: docs/spec/lake.md.
//
// One of ours tells its own checksum, so any damage of it is found; those of others are read too.
#pragma once

#include "collector/lake/delta_actions.hpp"

namespace longhaul::collector {

struct Checkpoint {
    std::vector<std::byte> file;
    std::string last_checkpoint;  // what `_last_checkpoint` says of it
};
// With all files; those removed at `forget_removed_until_ms` or before are left out.
Result<Checkpoint> write_checkpoint(const TableState& state, std::int64_t forget_removed_until_ms);

// The state, without its version. Without `with_files` only what a writer needs is read. Error
// corrupt: it is damaged; unsupported: the table's protocol is.
Result<TableState> read_checkpoint(Bytes file, bool with_files);

}  // namespace longhaul::collector
