#include "collector/registry/registry_changes.hpp"

#include "collector/registry/registry_identity.hpp"

namespace longhaul::collector {
namespace {

constexpr int busy_ms_max = 1000;

constexpr const char* schema_sql = R"(
    CREATE TABLE IF NOT EXISTS changes (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        tenant TEXT NOT NULL,
        device TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER IF NOT EXISTS device_changed AFTER UPDATE ON devices
    WHEN new.state <> 'allowed' OR new.tenant <> old.tenant OR new.name <> old.name BEGIN
        INSERT INTO changes (tenant, device) VALUES (old.tenant, old.name);
    END;
    CREATE TRIGGER IF NOT EXISTS device_removed AFTER DELETE ON devices BEGIN
        INSERT INTO changes (tenant, device) VALUES (old.tenant, old.name);
    END;
    CREATE TRIGGER IF NOT EXISTS tenant_changed AFTER UPDATE ON tenants BEGIN
        INSERT INTO changes (tenant, device) VALUES (old.name, '');
    END;
    CREATE TRIGGER IF NOT EXISTS older_authority_removed AFTER DELETE ON older_authorities BEGIN
        INSERT INTO changes (tenant, device) VALUES (old.tenant, '');
    END;
    CREATE TRIGGER IF NOT EXISTS enrolment_authority_removed
    AFTER DELETE ON enrolment_authorities BEGIN
        INSERT INTO changes (tenant, device) VALUES (old.tenant, '');
    END;
    CREATE TRIGGER IF NOT EXISTS tenant_removed AFTER DELETE ON tenants BEGIN
        INSERT INTO changes (tenant, device) VALUES (old.name, '');
    END;
)";

constexpr const char* newest_sql =
    "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'changes'";

}  // namespace

Result<std::unique_ptr<RegistryChanges>> RegistryChanges::open(const std::string& path) {
    LH_TRY_ASSIGN(SqliteDatabase database,
                  SqliteDatabase::open(path, SqliteAccess::make, busy_ms_max));
    LH_TRY(database.execute(identity_sql));
    LH_TRY(database.execute(schema_sql));
    std::unique_ptr<RegistryChanges> changes{new RegistryChanges{std::move(database)}};
    LH_TRY_ASSIGN(changes->seen_, changes->database_.integer(newest_sql));
    return changes;
}

Result<RegistryChanges::News> RegistryChanges::take() {
    LH_TRY_ASSIGN(
        const auto select,
        database_.prepare(
            "SELECT number, tenant, device FROM changes WHERE number > ? ORDER BY number"));
    News news;
    std::int64_t next = seen_ + 1;
    {
        SqliteQuery query{select};
        query.bind(seen_);
        for (;;) {
            LH_TRY_ASSIGN(const bool row, query.step());
            if (!row) break;
            news.everything = news.everything || query.integer(0) != next;
            next = query.integer(0) + 1;
            news.changes.push_back({std::string{query.text(1)}, std::string{query.text(2)}});
        }
    }
    LH_TRY_ASSIGN(const std::int64_t newest, database_.integer(newest_sql));
    // Numbers of a transaction that was rolled back are given again: a hole is something trimmed,
    // and a newest one before ours is an older state that was copied into the file. One that
    // another file replaced is not seen from here: the guard opens it anew at a reload.
    news.everything = news.everything || newest < seen_ || next <= newest;
    seen_ = newest;
    if (news.changes.empty()) return news;
    LH_TRY_ASSIGN(const std::int64_t oldest, database_.integer("SELECT min(number) FROM changes"));
    if (newest - oldest <= noted_max) return news;  // deleting nothing waits for writers, too
    LH_TRY_ASSIGN(const auto trim, database_.prepare("DELETE FROM changes WHERE number <= ?"));
    LH_TRY(SqliteQuery{trim}.bind(newest - noted_max).run());
    return news;
}

}  // namespace longhaul::collector
