#include "agent/platform/linux/spool_standing.hpp"

#include <filesystem>

namespace longhaul::agent {
namespace {

constexpr const char* select_standing =
    "SELECT ends.epoch, ends.class, last_number, count(id), min(number), max(number),"
    " total(samples), total(bytes) FROM ends LEFT JOIN blocks"
    " ON blocks.epoch = ends.epoch AND blocks.class = ends.class AND durable = 0"
    " GROUP BY ends.epoch, ends.class ORDER BY ends.epoch, ends.class";
constexpr int busy_ms_max = 2000;

}  // namespace

Result<std::vector<SpoolStanding>> read_standing(SqliteDatabase& database) {
    LH_TRY_ASSIGN(const SqliteStatement statement, database.prepare(select_standing));
    SqliteQuery row{statement};
    std::vector<SpoolStanding> standing;
    for (;;) {
        LH_TRY_ASSIGN(const bool found, row.step());
        if (!found) return standing;
        standing.push_back({{row.as<std::uint32_t>(0)},
                            static_cast<BlockClass>(row.integer(1) & 3),
                            row.as<std::uint32_t>(2),
                            row.as<std::uint32_t>(3),
                            row.as<std::uint32_t>(4),
                            row.as<std::uint32_t>(5),
                            row.as<std::uint64_t>(6),
                            row.as<std::uint64_t>(7)});
    }
}

Result<std::vector<SpoolStanding>> read_standing(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return ErrorCode::not_found;
    LH_TRY_ASSIGN(SqliteDatabase database,
                  SqliteDatabase::open(path, SqliteAccess::read_only, busy_ms_max));
    return read_standing(database);
}

}  // namespace longhaul::agent
