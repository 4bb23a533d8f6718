// What a data table really holds, block by block: read from the files of its newest version, not
// from what the writer believes. The audit compares it with the journal.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "collector/lake/object_store.hpp"
#include "collector/lake/parquet_file.hpp"

namespace longhaul::collector {

struct AuditedBlock {
    std::string device;
    std::int64_t incarnation = 0;
    std::int64_t epoch = 0;
    std::int64_t seq = 0;
    friend auto operator<=>(const AuditedBlock&, const AuditedBlock&) = default;
};

struct AuditedRows {
    std::uint64_t rows = 0;                // different ones
    std::uint64_t duplicates = 0;          // further rows of the same identity
    std::uint64_t rows_end = 0;            // behind the last position
    std::int64_t received_us = INT64_MAX;  // when the block came

    void add(const AuditedRows& other);  // of another table
};

// Rows in files that other programs wrote, beside the files of ours that had them before: see
// rewritten.hpp.
struct RewrittenRows {
    std::uint64_t same = 0;                         // have the values that we wrote
    std::uint64_t unknown = 0;                      // no file of ours that has them can be read
    std::uint64_t deleted = 0;                      // of these: because files of ours are deleted
    std::map<AuditedBlock, std::uint64_t> changed;  // have others
    std::vector<std::string> faults;                // files that could not be compared, and why
};

struct AuditedTable {
    std::int64_t version = -1;                 // -1: there is no such table
    std::map<std::string, std::int64_t> txns;  // by "<journal uuid>/<shard>"
    std::map<AuditedBlock, AuditedRows> blocks;
    std::vector<std::string> faults;  // files that could not be read, and why
    // Files with rows that others have added: such rows lack a part of the name, so they are of no
    // block.
    std::map<std::string, NamelessRows> nameless;
    RewrittenRows rewritten;
};

struct AuditLimits {
    std::function<bool(std::string_view device)> wanted;  // none: all are
    std::size_t blocks_max = SIZE_MAX;
};

// `folder` is the table's in the store: "<tenant>/<schema>". What a file has that is missing or has
// another size than the log says is not counted, and of one that cannot be read at most what comes
// before that. Error too_large: there are more blocks than may be held; others: the table's log
// cannot be read.
Result<AuditedTable> audit_rows(ObjectStore& store, const std::string& folder,
                                const AuditLimits& limits = {});

// The names of a tenant's data tables; the system tables, which begin with '_', are not among them.
Result<std::vector<std::string>> data_tables(ObjectStore& store, const std::string& tenant);

}  // namespace longhaul::collector
