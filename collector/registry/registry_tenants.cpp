// What the devices of a tenant may use, and which of them were seen twice.
#include <algorithm>

#include "collector/registry/registry.hpp"

namespace longhaul::collector {
namespace {

// SQLite's integers are signed.
std::int64_t stored(std::uint64_t limit) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(limit, INT64_MAX));
}
std::uint64_t limit_in(SqliteQuery& query, int column) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, query.integer(column)));
}

}  // namespace

// The tenant is touched, so that a collector looks at its devices.
Result<std::int64_t> Registry::cut_off_older(const std::string& tenant) {
    LH_TRY_ASSIGN(const auto note,
                  database_.prepare("INSERT OR IGNORE INTO cut_off_authorities "
                                    "SELECT tenant, authority FROM older_authorities "
                                    "WHERE tenant = ?"));
    LH_TRY_ASSIGN(const auto remove,
                  database_.prepare("DELETE FROM older_authorities WHERE tenant = ?"));
    LH_TRY_ASSIGN(const auto touch,
                  database_.prepare("UPDATE tenants SET authority = authority WHERE name = ?"));
    std::int64_t count = 0;
    const Status done = database_.in_transaction([&]() -> Status {
        LH_TRY(SqliteQuery{note}.bind(tenant).run());
        LH_TRY(SqliteQuery{remove}.bind(tenant).run());
        count = database_.changed_rows();
        return SqliteQuery{touch}.bind(tenant).run();
    });
    if (!done.ok()) return done.error();
    return count;
}

Status Registry::set_limits(const std::string& tenant, const TenantLimits& limits) {
    LH_TRY_ASSIGN(const auto replace,
                  database_.prepare("INSERT OR REPLACE INTO limits "
                                    "SELECT name, ?, ?, ?, ? FROM tenants WHERE name = ?"));
    LH_TRY(SqliteQuery{replace}
               .bind(stored(limits.connections))
               .bind(stored(limits.bytes_per_second))
               .bind(stored(limits.bytes_per_day))
               .bind(stored(limits.handshakes_per_second))
               .bind(tenant)
               .run());
    return database_.changed_rows() == 1 ? Status{} : Error{ErrorCode::not_found, "no such tenant"};
}

Result<std::map<std::string, TenantLimits>> Registry::limits() {
    LH_TRY_ASSIGN(const auto select,
                  database_.prepare("SELECT tenant, connections, bytes_per_second, bytes_per_day, "
                                    "handshakes_per_second FROM limits"));
    std::map<std::string, TenantLimits> limits;
    SqliteQuery query{select};
    for (;;) {
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return limits;
        const TenantLimits its{limit_in(query, 1), limit_in(query, 2), limit_in(query, 3),
                               limit_in(query, 4)};
        if (its != TenantLimits{}) limits.emplace(query.text(0), its);
    }
}

Status Registry::keep_intake(const DayIntake& taken) {
    LH_TRY_ASSIGN(const auto replace,
                  database_.prepare("INSERT OR REPLACE INTO day_intake VALUES (?, ?, ?)"));
    return database_.in_transaction([&]() -> Status {
        for (const auto& [tenant, bytes] : taken.bytes)
            LH_TRY(SqliteQuery{replace}.bind(tenant).bind(taken.day).bind(stored(bytes)).run());
        return {};
    });
}

Result<DayIntake> Registry::intake() {
    LH_TRY_ASSIGN(const auto select,
                  database_.prepare("SELECT tenant, day, bytes FROM day_intake "
                                    "WHERE day = (SELECT max(day) FROM day_intake)"));
    DayIntake taken;
    SqliteQuery query{select};
    for (;;) {
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return taken;
        taken.day = query.integer(1);
        taken.bytes.emplace(query.text(0), limit_in(query, 2));
    }
}

Status Registry::note_clones(const std::vector<NotedClone>& clones) {
    LH_TRY_ASSIGN(const auto insert,
                  database_.prepare("INSERT INTO clones VALUES (?1, ?2, ?3, ?3, 1, ?4) "
                                    "ON CONFLICT (tenant, device) DO UPDATE SET last_us = ?3, "
                                    "times = times + 1, text = ?4"));
    return database_.in_transaction([&]() -> Status {
        for (const NotedClone& each : clones) {
            LH_TRY(SqliteQuery{insert}
                       .bind(each.tenant)
                       .bind(each.device)
                       .bind(each.time.value)
                       .bind(each.text)
                       .run());
        }
        return {};
    });
}

Result<std::optional<NotedClone>> Registry::clone(std::string_view tenant,
                                                  std::string_view device) {
    LH_TRY_ASSIGN(const auto select,
                  database_.prepare("SELECT last_us, text, first_us, times FROM clones "
                                    "WHERE tenant = ? AND device = ?"));
    SqliteQuery query{select};
    LH_TRY_ASSIGN(const bool row, query.bind(tenant).bind(device).step());
    if (!row) return std::optional<NotedClone>{};
    return std::optional{NotedClone{std::string{tenant},
                                    std::string{device},
                                    {query.integer(0)},
                                    std::string{query.text(1)},
                                    {query.integer(2)},
                                    query.integer(3)}};
}

}  // namespace longhaul::collector
