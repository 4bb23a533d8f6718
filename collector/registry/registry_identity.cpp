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

Status Registry::read_older_authorities(Tenant& tenant) {
    LH_TRY_ASSIGN(
        const auto select,
        database_.prepare("SELECT authority FROM older_authorities WHERE tenant = ? ORDER BY 1"));
    SqliteQuery query{select};
    query.bind(tenant.name);
    for (;;) {
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return {};
        tenant.older_pem.emplace_back(query.text(0));
    }
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
