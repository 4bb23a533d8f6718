#include "collector/registry/registry.hpp"

#include <algorithm>

#include "collector/registry/registry_identity.hpp"

namespace longhaul::collector {
namespace {

constexpr int busy_ms_max = 5000;  // the tools write while a collector reads

constexpr std::int64_t registry_version = 1;

constexpr const char* settings_sql = R"(
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
)";

constexpr const char* schema_sql = R"(
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS tenants (
        name TEXT PRIMARY KEY,
        authority TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS devices (
        tenant TEXT NOT NULL REFERENCES tenants (name),
        name TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('allowed', 'revoked')),
        PRIMARY KEY (tenant, name)
    ) STRICT, WITHOUT ROWID;
    PRAGMA user_version = 1;
    COMMIT;
)";

// Came later and is nobody's business but `longhaul why`'s: a registry without it is a whole one.
constexpr const char* refusals_sql = R"(
    CREATE TABLE IF NOT EXISTS refusals (
        tenant TEXT NOT NULL,
        device TEXT NOT NULL,
        time_us INTEGER NOT NULL,
        reason TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (tenant, device)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS refusals_by_time ON refusals (time_us);
)";

// Came later, too; a version that does not know it offers nothing, and its writer stops at a model.
constexpr const char* models_sql = R"(
    CREATE TABLE IF NOT EXISTS models (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        tenant TEXT NOT NULL REFERENCES tenants (name),
        schema BLOB NOT NULL,
        hash BLOB NOT NULL,
        added_us INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        UNIQUE (tenant, schema, hash)
    ) STRICT;
)";

template <class Hash>
Hash hash_in(Bytes blob) {
    Hash hash{};
    std::copy_n(blob.begin(), std::min(blob.size(), hash.size()), hash.begin());
    return hash;
}

}  // namespace

Result<std::unique_ptr<Registry>> Registry::open(const std::string& path) {
    LH_TRY_ASSIGN(SqliteDatabase database,
                  SqliteDatabase::open(path, SqliteAccess::make, busy_ms_max));
    LH_TRY(database.execute(settings_sql));
    LH_TRY_ASSIGN(const std::int64_t version, database.integer("PRAGMA user_version"));
    if (version == 0) {
        LH_TRY(database.execute(schema_sql));
    } else if (version != registry_version) {
        return Error{ErrorCode::unsupported, "the registry is of another version"};
    }
    LH_TRY(database.execute(refusals_sql));
    LH_TRY(database.execute(models_sql));
    LH_TRY(database.execute(identity_sql));
    return std::unique_ptr<Registry>{new Registry{std::move(database)}};
}

Status Registry::add_tenant(const Tenant& tenant) {
    LH_TRY_ASSIGN(const auto insert,
                  database_.prepare("INSERT INTO tenants (name, authority) VALUES (?, ?)"));
    return SqliteQuery{insert}.bind(tenant.name).bind(tenant.authority_pem).run();
}

Result<std::vector<Tenant>> Registry::tenants() {
    LH_TRY_ASSIGN(const auto select,
                  database_.prepare("SELECT name, authority FROM tenants ORDER BY name"));
    std::vector<Tenant> tenants;
    SqliteQuery query{select};
    for (;;) {
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) break;
        tenants.push_back({std::string{query.text(0)}, std::string{query.text(1)}});
    }
    for (Tenant& tenant : tenants) LH_TRY(read_other_authorities(tenant));
    return tenants;
}

Status Registry::allow(std::string_view tenant, const std::vector<std::string>& devices) {
    LH_TRY_ASSIGN(const auto insert,
                  database_.prepare("INSERT OR REPLACE INTO devices VALUES (?, ?, 'allowed')"));
    return database_.in_transaction([&]() -> Status {
        for (const std::string& device : devices)
            LH_TRY(SqliteQuery{insert}.bind(tenant).bind(device).run());
        return {};
    });
}

Status Registry::add_model(std::string_view tenant, const SchemaHash& schema, Bytes model,
                           WallUs now) {
    LH_TRY(Model::parse(model));
    LH_TRY_ASSIGN(const auto known, tenants());
    if (std::none_of(known.begin(), known.end(),
                     [tenant](const Tenant& each) { return each.name == tenant; })) {
        return Error{ErrorCode::not_found, "there is no such tenant"};
    }
    LH_TRY_ASSIGN(const auto insert,
                  database_.prepare("INSERT OR REPLACE INTO models (tenant, schema, hash, "
                                    "added_us, bytes) VALUES (?, ?, ?, ?, ?)"));
    const ModelHash hash = model_hash(model);
    return SqliteQuery{insert}
        .bind(tenant)
        .bind(Bytes{schema})
        .bind(Bytes{hash})
        .bind(now.value)
        .bind(model)
        .run();
}

Result<std::vector<KeptModel>> Registry::models() {
    LH_TRY_ASSIGN(const auto select,
                  database_.prepare("SELECT tenant, schema, hash, added_us, bytes FROM models "
                                    "ORDER BY number"));
    std::vector<KeptModel> models;
    SqliteQuery query{select};
    for (;;) {
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return models;
        const Bytes bytes = query.blob(4);
        models.push_back({std::string{query.text(0)},
                          hash_in<SchemaHash>(query.blob(1)),
                          hash_in<ModelHash>(query.blob(2)),
                          WallUs{query.integer(3)},
                          {bytes.begin(), bytes.end()}});
    }
}

Status Registry::revoke(std::string_view tenant, std::string_view device) {
    LH_TRY_ASSIGN(
        const auto update,
        database_.prepare("UPDATE devices SET state = 'revoked' WHERE tenant = ? AND name = ?"));
    LH_TRY(SqliteQuery{update}.bind(tenant).bind(device).run());
    return database_.changed_rows() == 1 ? Status{} : Error{ErrorCode::not_found, "no such device"};
}

Result<DeviceState> Registry::find(std::string_view tenant, std::string_view device) {
    if (!find_) {
        LH_TRY_ASSIGN(find_,
                      database_.prepare("SELECT state FROM devices JOIN tenants ON tenants.name = "
                                        "tenant WHERE tenant = ? AND devices.name = ?"));
    }
    SqliteQuery query{find_};
    LH_TRY_ASSIGN(const bool row, query.bind(tenant).bind(device).step());
    if (!row) return DeviceState::unknown;
    return query.text(0) == "allowed" ? DeviceState::allowed : DeviceState::revoked;
}

Result<std::vector<std::string>> Registry::devices(std::string_view tenant) {
    LH_TRY_ASSIGN(const auto select,
                  database_.prepare("SELECT name FROM devices WHERE tenant = ? ORDER BY name"));
    std::vector<std::string> names;
    SqliteQuery query{select};
    query.bind(tenant);
    for (;;) {
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return names;
        names.emplace_back(query.text(0));
    }
}

Status Registry::note_refusals(const std::vector<NotedRefusal>& refusals) {
    if (refusals.empty()) return {};
    LH_TRY_ASSIGN(const auto insert,
                  database_.prepare("INSERT OR REPLACE INTO refusals VALUES (?, ?, ?, ?, ?)"));
    LH_TRY_ASSIGN(const auto trim,
                  database_.prepare("DELETE FROM refusals WHERE time_us < (SELECT time_us FROM "
                                    "refusals ORDER BY time_us DESC LIMIT 1 OFFSET ?)"));
    return database_.in_transaction([&]() -> Status {
        for (const NotedRefusal& each : refusals) {
            LH_TRY(SqliteQuery{insert}
                       .bind(each.tenant)
                       .bind(each.device)
                       .bind(each.time.value)
                       .bind(each.reason)
                       .bind(each.text)
                       .run());
        }
        return SqliteQuery{trim}.bind(refusals_max - 1).run();
    });
}

Result<std::optional<NotedRefusal>> Registry::last_refusal(std::string_view tenant,
                                                           std::string_view device) {
    LH_TRY_ASSIGN(const auto select,
                  database_.prepare("SELECT time_us, reason, text FROM refusals WHERE tenant = ? "
                                    "AND device = ?"));
    SqliteQuery query{select};
    LH_TRY_ASSIGN(const bool row, query.bind(tenant).bind(device).step());
    if (!row) return std::optional<NotedRefusal>{};
    return std::optional{NotedRefusal{std::string{tenant},
                                      std::string{device},
                                      {query.integer(0)},
                                      std::string{query.text(1)},
                                      std::string{query.text(2)}}};
}

}  // namespace longhaul::collector
