// The audit's third source: what `_usage` tells of rows (docs/spec/lake.md). It was counted from
// the journal, so it still knows how many rows there have to be when the journal is cut off.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "collector/journal/journal.hpp"
#include "collector/lake/object_store.hpp"
#include "common/base/result.hpp"

namespace longhaul::tools {

struct AuditScope;
struct ShardBegin;
struct TenantTables;

struct ToldUsage {
    std::map<std::string, std::int64_t> txns;  // by "<journal uuid>/<shard>"
    // Rows, by device and by the hour (its beginning, microseconds since 1970) in which they came,
    // or a later one.
    std::map<std::string, std::map<std::int64_t, std::uint64_t>> rows;
};

Result<void, Message> read_told(collector::ObjectStore& lake, const std::string& tenant,
                                const AuditScope& scope, ToldUsage& told);

// Of each device, hour by hour: as many rows as `_usage` tells have to be there, or have expired.
// Of hours that the writer's snapshot has behind it. Not of a lake that another journal has written
// to: rows that its barrier lacked have come again and been counted again.
void check_told(const std::string& tenant, const TenantTables& tables,
                const collector::Journal& journal, const AuditScope& scope,
                const std::vector<ShardBegin>& begins, std::vector<std::string>& problems);

// Another journal wrote to these tables before this one.
bool is_adopted(const ToldUsage& told, const collector::Journal& journal);

}  // namespace longhaul::tools
