#include "collector/registry/registry_identity.hpp"

#include "collector/registry/registry.hpp"

namespace longhaul::collector {

Status Registry::rotate_authority(const std::string& tenant, const std::string& authority_pem) {
    LH_TRY_ASSIGN(const auto keep,
                  database_.prepare("INSERT OR IGNORE INTO older_authorities "
                                    "SELECT name, authority FROM tenants WHERE name = ?"));
    LH_TRY_ASSIGN(const auto replace,
                  database_.prepare("UPDATE tenants SET authority = ? WHERE name = ?"));
    return database_.in_transaction([&]() -> Status {
        LH_TRY(SqliteQuery{keep}.bind(tenant).run());
        LH_TRY(SqliteQuery{replace}.bind(authority_pem).bind(tenant).run());
        return database_.changed_rows() == 1 ? Status{}
                                             : Error{ErrorCode::not_found, "no such tenant"};
    });
}

std::vector<std::string> Tenant::all_pem() const {
    std::vector<std::string> all{authority_pem};
    all.insert(all.end(), older_pem.begin(), older_pem.end());
    all.insert(all.end(), enrolment_pem.begin(), enrolment_pem.end());
    return all;
}

Result<std::vector<std::string>> Registry::authorities_in(const char* sql,
                                                          std::string_view tenant) {
    LH_TRY_ASSIGN(const auto select, database_.prepare(sql));
    SqliteQuery query{select};
    query.bind(tenant);
    std::vector<std::string> authorities;
    for (;;) {
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return authorities;
        authorities.emplace_back(query.text(0));
    }
}

Status Registry::read_other_authorities(Tenant& tenant) {
    LH_TRY_ASSIGN(
        tenant.older_pem,
        authorities_in("SELECT authority FROM older_authorities WHERE tenant = ? ORDER BY 1",
                       tenant.name));
    LH_TRY_ASSIGN(
        tenant.cut_off_pem,
        authorities_in("SELECT authority FROM cut_off_authorities WHERE tenant = ? ORDER BY 1",
                       tenant.name));
    LH_TRY_ASSIGN(
        tenant.enrolment_pem,
        authorities_in("SELECT authority FROM enrolment_authorities WHERE tenant = ? ORDER BY 1",
                       tenant.name));
    return {};
}

Status Registry::add_enrolment_authority(std::string_view tenant, std::string_view authority_pem) {
    LH_TRY_ASSIGN(const auto insert,
                  database_.prepare("INSERT OR IGNORE INTO enrolment_authorities VALUES (?, ?)"));
    return SqliteQuery{insert}.bind(tenant).bind(authority_pem).run();
}

// What devices signed under them before is still good, like under one that is cut off.
Result<int> Registry::drop_enrolment_authorities(std::string_view tenant) {
    LH_TRY_ASSIGN(const auto note,
                  database_.prepare("INSERT OR IGNORE INTO cut_off_authorities "
                                    "SELECT tenant, authority FROM enrolment_authorities "
                                    "WHERE tenant = ?"));
    LH_TRY_ASSIGN(const auto remove,
                  database_.prepare("DELETE FROM enrolment_authorities WHERE tenant = ?"));
    int count = 0;
    const Status done = database_.in_transaction([&]() -> Status {
        LH_TRY(SqliteQuery{note}.bind(tenant).run());
        LH_TRY(SqliteQuery{remove}.bind(tenant).run());
        count = static_cast<int>(database_.changed_rows());
        return {};
    });
    if (!done.ok()) return done.error();
    return count;
}

Status Registry::note_expiry(std::string_view tenant, const std::vector<std::string>& devices,
                             WallUs expires) {
    LH_TRY_ASSIGN(const auto insert,
                  database_.prepare("INSERT OR REPLACE INTO certificates VALUES (?, ?, ?)"));
    return database_.in_transaction([&]() -> Status {
        for (const std::string& device : devices)
            LH_TRY(SqliteQuery{insert}.bind(tenant).bind(device).bind(expires.value).run());
        return {};
    });
}

Result<std::optional<WallUs>> Registry::expiry(std::string_view tenant, std::string_view device) {
    LH_TRY_ASSIGN(
        const auto select,
        database_.prepare("SELECT expires_us FROM certificates WHERE tenant = ? AND device = ?"));
    SqliteQuery query{select};
    LH_TRY_ASSIGN(const bool row, query.bind(tenant).bind(device).step());
    if (!row) return std::optional<WallUs>{};
    return std::optional{WallUs{query.integer(0)}};
}

}  // namespace longhaul::collector
