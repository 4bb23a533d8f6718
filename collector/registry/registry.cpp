#include "collector/registry/registry.hpp"

#include <sqlite3.h>

namespace longhaul::collector {
namespace {

constexpr int busy_wait_ms = 5000;  // the tools write while a collector reads

constexpr std::string_view registry_version = "1";

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

// A prepared statement for one use.
class Statement {
 public:
    Statement(sqlite3* database, const char* sql) {
        sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr);
    }
    ~Statement() { sqlite3_finalize(statement_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    Statement& bind(int index, std::string_view text) {
        sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()),
                          SQLITE_TRANSIENT);
        return *this;
    }
    int step() { return statement_ == nullptr ? SQLITE_ERROR : sqlite3_step(statement_); }
    std::string text(int column) const {
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
        return bytes == nullptr ? std::string{} : std::string{bytes};
    }

 private:
    sqlite3_stmt* statement_ = nullptr;
};

Status status_of(int result) {
    switch (result) {
        case SQLITE_OK:
        case SQLITE_DONE:
        case SQLITE_ROW:
            return {};
        case SQLITE_CONSTRAINT_PRIMARYKEY:
            return Error{ErrorCode::exists, "registry"};
        case SQLITE_CONSTRAINT_FOREIGNKEY:
            return Error{ErrorCode::not_found, "no such tenant"};
        case SQLITE_NOTADB:
            return Error{ErrorCode::malformed, "the registry is no database"};
        case SQLITE_READONLY:
            return Error{ErrorCode::denied, "the registry is read-only"};
        default:
            return Error{ErrorCode::io, "the registry cannot be read or written"};
    }
}

}  // namespace

Result<std::unique_ptr<Registry>> Registry::open(const std::string& path) {
    sqlite3* database = nullptr;
    const int opened = sqlite3_open(path.c_str(), &database);
    std::unique_ptr<Registry> registry{new Registry{database}};
    if (opened != SQLITE_OK) return Error{ErrorCode::io, "the registry cannot be opened"};
    sqlite3_extended_result_codes(database, 1);
    sqlite3_busy_timeout(database, busy_wait_ms);
    LH_TRY(registry->run(settings_sql));
    const Result<std::string> found = registry->version();
    if (!found.ok()) return found.error();
    if (found.value() == "0") {
        LH_TRY(registry->run(schema_sql));
    } else if (found.value() != registry_version) {
        return Error{ErrorCode::unsupported, "the registry is of another version"};
    }
    return registry;
}

Registry::~Registry() { sqlite3_close(database_); }

Status Registry::run(const char* sql) {
    return status_of(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr));
}

Result<std::string> Registry::version() {
    Statement select{database_, "PRAGMA user_version"};
    LH_TRY(status_of(select.step()));
    return select.text(0);
}

Status Registry::add_tenant(const Tenant& tenant) {
    Statement insert{database_, "INSERT INTO tenants VALUES (?, ?)"};
    return status_of(insert.bind(1, tenant.name).bind(2, tenant.authority_pem).step());
}

Result<std::vector<Tenant>> Registry::tenants() {
    Statement select{database_, "SELECT name, authority FROM tenants ORDER BY name"};
    std::vector<Tenant> tenants;
    int result = select.step();
    for (; result == SQLITE_ROW; result = select.step())
        tenants.push_back({select.text(0), select.text(1)});
    LH_TRY(status_of(result));
    return tenants;
}

Status Registry::allow(std::string_view tenant, const std::vector<std::string>& devices) {
    LH_TRY(run("BEGIN IMMEDIATE"));
    for (const std::string& device : devices) {
        Statement insert{database_, "INSERT OR REPLACE INTO devices VALUES (?, ?, 'allowed')"};
        if (const Status status = status_of(insert.bind(1, tenant).bind(2, device).step());
            !status.ok()) {
            (void)run("ROLLBACK").ok();
            return status;
        }
    }
    return run("COMMIT");
}

Status Registry::revoke(std::string_view tenant, std::string_view device) {
    Statement update{database_,
                     "UPDATE devices SET state = 'revoked' WHERE tenant = ? AND name = ?"};
    LH_TRY(status_of(update.bind(1, tenant).bind(2, device).step()));
    return sqlite3_changes(database_) == 1 ? Status{}
                                           : Error{ErrorCode::not_found, "no such device"};
}

Result<DeviceState> Registry::find(std::string_view tenant, std::string_view device) {
    Statement select{database_, "SELECT state FROM devices WHERE tenant = ? AND name = ?"};
    const int result = select.bind(1, tenant).bind(2, device).step();
    LH_TRY(status_of(result));
    if (result == SQLITE_DONE) return DeviceState::unknown;
    return select.text(0) == "allowed" ? DeviceState::allowed : DeviceState::revoked;
}

}  // namespace longhaul::collector
