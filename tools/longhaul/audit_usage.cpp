#include "tools/longhaul/audit_usage.hpp"

#include <algorithm>

#include "collector/lake/delta_log.hpp"
#include "collector/lake/parquet_file.hpp"
#include "common/base/civil_time.hpp"
#include "tools/longhaul/audit.hpp"
#include "tools/longhaul/audit_journal.hpp"
#include "tools/longhaul/text.hpp"

namespace longhaul::tools {
namespace {

constexpr std::int64_t hour_us = std::int64_t{3600} * 1'000'000;
// A block may wait so long for its model before its rows are counted, in a later hour than it came.
constexpr std::int64_t waiting_us = 31 * 24 * hour_us;

// A time before 1970 is nobody's but another program's, and counts as the first hour.
std::int64_t hour_of(std::int64_t time_us) {
    const std::int64_t since_1970 = std::max<std::int64_t>(time_us, 0);
    return since_1970 - since_1970 % hour_us;
}

// Rows of a device by the hour in which their blocks came.
std::map<std::int64_t, std::uint64_t> rows_by_hour(const TenantTables& tables,
                                                   const std::string& device) {
    std::map<std::int64_t, std::uint64_t> rows;
    const collector::AuditedBlock first{device, INT64_MIN, INT64_MIN, INT64_MIN};
    for (auto at = tables.rows.lower_bound(first);
         at != tables.rows.end() && at->first.device == device; ++at)
        rows[hour_of(at->second.received_us)] += at->second.rows;
    return rows;
}

// Rows that have expired and of which `_usage` may still tell.
std::uint64_t expired_rows(const TenantTables& tables, const std::string& device,
                           std::int64_t first_hour) {
    const std::string from = date_text({first_hour - waiting_us});
    std::uint64_t rows = 0;
    for (auto at = tables.expired.lower_bound({device, INT64_MIN, INT64_MIN});
         at != tables.expired.end() && std::get<0>(at->first) == device; ++at) {
        for (const ExpiredRun& run : at->second)
            rows += run.table != "_quarantine" && run.receive_date >= from ? run.rows : 0;
    }
    return rows;
}

collector::Column column(const char* name, collector::ColumnType type) {
    collector::Column made;
    made.name = name;
    made.type = type;
    return made;
}

struct Missing {
    std::uint64_t told = 0;
    std::uint64_t there = 0;
    std::int64_t hour = 0;
};

// The hour up to which the most rows are missing, of those before `until`.
Missing most_missing(const std::map<std::int64_t, std::uint64_t>& told,
                     const std::map<std::int64_t, std::uint64_t>& rows, std::uint64_t expired,
                     std::int64_t until) {
    Missing most;
    Missing sum{0, expired, 0};
    auto next = rows.begin();
    for (auto at = told.begin(); at != told.end() && at->first < until; ++at) {
        sum.told += at->second;
        sum.hour = at->first;
        for (; next != rows.end() && next->first <= at->first; ++next) sum.there += next->second;
        if (sum.told > sum.there && sum.told - sum.there > most.told - most.there) most = sum;
    }
    return most;
}

}  // namespace

Result<void, Message> read_told(collector::ObjectStore& lake, const std::string& tenant,
                                const AuditScope& scope, ToldUsage& told) {
    const std::string folder = tenant + "/_usage";
    const std::vector<collector::Column> columns{
        column("device", collector::ColumnType::string),
        column("hour", collector::ColumnType::timestamp),
        column("samples", collector::ColumnType::long_integer)};
    collector::DeltaTable table{lake, folder};
    if (const Status read = table.refresh(); !read.ok())
        return Message{folder + ": " + to_string(read.error())};
    told.txns = table.state().txns;
    for (const auto& [path, file] : table.state().files) {
        const auto content = table.read(file);
        if (!content.ok()) return Message{folder + "/" + path + ": " + to_string(content.error())};
        const auto data = collector::read_columns(content.value(), columns);
        if (!data.ok()) return Message{folder + "/" + path + ": " + to_string(data.error())};
        const collector::ColumnData& hours = data.value()[1];
        const collector::ColumnData& samples = data.value()[2];
        for (std::size_t row = 0; row < hours.valid.size(); ++row) {
            const std::string device{data.value()[0].text(row)};
            if (samples.integers[row] > 0 && !device.empty() && scope.has(device))
                told.rows[device][hour_of(hours.integers[row])] +=
                    static_cast<std::uint64_t>(samples.integers[row]);
        }
    }
    return {};
}

bool is_adopted(const ToldUsage& told, const collector::Journal& journal) {
    const std::string own = uuid_text(journal.id().uuid) + "/";
    return std::any_of(told.txns.begin(), told.txns.end(), [&](const auto& txn) {
        return txn.first.find('/') == own.size() - 1 && !txn.first.starts_with(own);
    });
}

void check_told(const std::string& tenant, const TenantTables& tables,
                const collector::Journal& journal, const AuditScope& scope,
                const std::vector<ShardBegin>& begins, std::vector<std::string>& problems) {
    if (is_adopted(tables.told, journal)) return;
    for (const auto& [device, told] : tables.told.rows) {
        if (!scope.has(device)) continue;
        const ShardBegin& begin = begins[journal.shard_of(tenant, device)];
        if (begin.settled.value == INT64_MIN || begin.adopted) continue;
        const Missing most = most_missing(told, rows_by_hour(tables, device),
                                          expired_rows(tables, device, told.begin()->first),
                                          hour_of(begin.settled.value));
        if (most.told == 0) continue;
        problems.push_back(tenant + "/" + device + ": " + std::to_string(most.told - most.there) +
                           " rows are missing of what came before " +
                           timestamp_text_ms({most.hour + hour_us}) + ": _usage tells of " +
                           std::to_string(most.told) + ", " + std::to_string(most.there) +
                           " are in the tables or have expired");
    }
}

}  // namespace longhaul::tools
