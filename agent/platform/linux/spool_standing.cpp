#include "agent/platform/linux/spool_standing.hpp"

#include <filesystem>

#include "agent/platform/linux/sqlite_spool_sql.hpp"

namespace longhaul::agent {
namespace {

// Keys are class, epoch and number in one: agent/platform/linux/sqlite_rows.hpp.
constexpr const char* select_standing =
    "SELECT counts.id >> 30 & 4294967295 AS epoch, (counts.id >> 62) + 2 & 3 AS class, last_number,"
    " total(waiting.last - waiting.id + 1), min(waiting.id) & 1073741823,"
    " max(waiting.last) & 1073741823, total(samples), total(bytes)"
    " FROM counts LEFT JOIN waiting"
    " ON waiting.id BETWEEN counts.id + 1 AND counts.id + 1073741823"
    " GROUP BY counts.id ORDER BY epoch, class";
constexpr int busy_ms_max = 2000;

}  // namespace

Result<SpoolOverview> read_overview(SqliteDatabase& database) {
    LH_TRY_ASSIGN(const std::int64_t version, database.integer("PRAGMA user_version"));
    if (version < spool_version)
        return Error{ErrorCode::unsupported,
                     "the spool is of an earlier version; the agent takes it over when it starts"};
    SpoolOverview overview;
    LH_TRY_ASSIGN(const std::int64_t lost,
                  database.integer("SELECT lost_samples FROM spool ORDER BY id LIMIT 1"));
    overview.lost_samples = static_cast<std::uint64_t>(lost);
    LH_TRY_ASSIGN(const SqliteStatement statement, database.prepare(select_standing));
    SqliteQuery row{statement};
    for (;;) {
        LH_TRY_ASSIGN(const bool found, row.step());
        if (!found) return overview;
        overview.standing.push_back({{row.as<std::uint32_t>(0)},
                                     static_cast<BlockClass>(row.integer(1) & 3),
                                     row.as<std::uint32_t>(2),
                                     row.as<std::uint32_t>(3),
                                     row.as<std::uint32_t>(4),
                                     row.as<std::uint32_t>(5),
                                     row.as<std::uint64_t>(6),
                                     row.as<std::uint64_t>(7)});
    }
}

Result<SpoolOverview> read_overview(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return ErrorCode::not_found;
    LH_TRY_ASSIGN(SqliteDatabase database,
                  SqliteDatabase::open(path, SqliteAccess::read_only, busy_ms_max));
    return read_overview(database);
}

}  // namespace longhaul::agent
