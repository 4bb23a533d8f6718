// Opens the file of an SQLite spool: formats a new one, takes over one of version 1.
#pragma once

#include <string>

#include "agent/platform/linux/spool_files.hpp"
#include "agent/platform/linux/sqlite_tables.hpp"
#include "agent/port/entropy.hpp"

namespace longhaul::agent {

// Makes the file if there is none, or opens it and locks it for as long as it is open. Errors:
// corrupt (it is a spool, or was one, that cannot be read), unsupported (it is somebody
// else's, or of a later version), denied (another agent has it), full, io.
Result<SpoolTables> open_tables(const std::string& path, Entropy& entropy, SpoolFiles& files);

// A new one with this root, in a file that is not there yet.
Result<SpoolTables> make_tables(const std::string& path, const SpoolRoot& root, SpoolFiles& files);

// In the order of their keys, makes runs and counts of blocks that are there.
class RunBuilder {
 public:
    explicit RunBuilder(SpoolTables& tables) : tables_{&tables} {}
    Status add(RunKind kind, const BlockRun& block, std::int64_t last_us);
    Status finish();

 private:
    SpoolTables* tables_;
    RunKind kind_ = RunKind::waiting;
    BlockRun run_;  // nothing: first is behind last
    bool any_ = false;
    std::int64_t last_us_ = 0;
};

}  // namespace longhaul::agent
