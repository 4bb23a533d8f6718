#include "collector/registry/enrolment_codes.hpp"

#include <algorithm>
#include <cstring>

namespace longhaul::collector {
namespace {

constexpr int busy_ms_max = 1000;  // whoever waits for us waits for this as well
constexpr std::int64_t day_us = 86'400'000'000;
constexpr std::int64_t pauses_in_a_life = 90;  // a day, usually

constexpr const char* settings_sql = R"(
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
)";

constexpr const char* schema_sql = R"(
    CREATE TABLE IF NOT EXISTS enrolment_codes (
        id BLOB PRIMARY KEY CHECK (length(id) = 5),
        secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
        tenant TEXT NOT NULL REFERENCES tenants (name),
        device TEXT NOT NULL,
        uses_left INTEGER NOT NULL,
        made_us INTEGER NOT NULL,
        expires_us INTEGER NOT NULL,
        revoked INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS issued_certificates (
        tenant TEXT NOT NULL REFERENCES tenants (name),
        device TEXT NOT NULL,
        key_hash BLOB NOT NULL,
        code BLOB,
        chain BLOB NOT NULL,
        time_us INTEGER NOT NULL,
        PRIMARY KEY (tenant, device)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS issued_by_code ON issued_certificates (code);
)";

constexpr const char* columns_sql =
    "SELECT id, secret_hash, tenant, device, uses_left, made_us, expires_us, revoked "
    "FROM enrolment_codes";

template <class Array>
void copy_blob(Bytes blob, Array& to) {
    std::copy_n(blob.begin(), std::min(blob.size(), to.size()), to.begin());
}

EnrolmentCode code_in(const SqliteQuery& query) {
    EnrolmentCode code;
    copy_blob(query.blob(0), code.id);
    copy_blob(query.blob(1), code.secret_hash);
    code.tenant = query.text(2);
    code.device = query.text(3);
    code.uses_left = query.integer(4);
    code.made = {query.integer(5)};
    code.expires = {query.integer(6)};
    code.revoked = query.integer(7) != 0;
    return code;
}

EnrolmentRefusal trouble(const Error& error) {
    return {"registry", "the registry cannot be used: " + to_string(error)};
}

bool ends_with(Bytes bytes, Bytes end) {
    return bytes.size() > end.size() && equal(bytes.last(end.size()), end);
}

// Of this issuer, and with a third of its life before it: a device renews from there on.
bool is_of_use(Bytes chain, const Issuer& issuer, WallUs now) {
    if (!ends_with(chain, issuer.above())) return false;
    const auto own = Certificate::parse_der(chain.first(chain.size() - issuer.above().size()));
    if (!own.ok()) return false;
    const std::int64_t end_us = own.value().not_after().value;
    return end_us - now.value >= (end_us - own.value().not_before().value) / 3;
}

}  // namespace

Result<std::unique_ptr<EnrolmentCodes>> EnrolmentCodes::open(const std::string& path) {
    LH_TRY_ASSIGN(SqliteDatabase database,
                  SqliteDatabase::open(path, SqliteAccess::make, busy_ms_max));
    LH_TRY(database.execute(settings_sql));
    LH_TRY(database.execute(schema_sql));
    return std::unique_ptr<EnrolmentCodes>{new EnrolmentCodes{std::move(database)}};
}

Status EnrolmentCodes::add(const std::vector<EnrolmentCode>& codes) {
    LH_TRY_ASSIGN(const auto insert, database_.prepare("INSERT INTO enrolment_codes VALUES "
                                                       "(?, ?, ?, ?, ?, ?, ?, 0)"));
    return database_.in_transaction([&]() -> Status {
        for (const EnrolmentCode& code : codes) {
            LH_TRY(SqliteQuery{insert}
                       .bind(Bytes{code.id})
                       .bind(Bytes{code.secret_hash})
                       .bind(code.tenant)
                       .bind(code.device)
                       .bind(code.uses_left)
                       .bind(code.made.value)
                       .bind(code.expires.value)
                       .run());
        }
        return {};
    });
}

Result<std::vector<EnrolmentCode>> EnrolmentCodes::list() {
    LH_TRY_ASSIGN(const auto select,
                  database_.prepare((std::string{columns_sql} + " ORDER BY made_us, id").c_str()));
    std::vector<EnrolmentCode> codes;
    SqliteQuery query{select};
    for (;;) {
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return codes;
        codes.push_back(code_in(query));
    }
}

Status EnrolmentCodes::revoke(const JoinCodeId& id) {
    LH_TRY_ASSIGN(const auto update,
                  database_.prepare("UPDATE enrolment_codes SET revoked = 1 WHERE id = ?"));
    LH_TRY(SqliteQuery{update}.bind(Bytes{id}).run());
    return database_.changed_rows() == 1 ? Status{} : Error{ErrorCode::not_found, "no such code"};
}

// A refusal changes nothing.
EnrolmentCodes::Outcome EnrolmentCodes::in_transaction(const std::function<Outcome()>& work) {
    std::optional<Outcome> outcome;
    const Status done = database_.in_transaction([&]() -> Status {
        outcome.emplace(work());
        return outcome->ok() ? Status{} : Status{ErrorCode::denied};
    });
    if (!outcome || (outcome->ok() && !done.ok())) return trouble(done.error());
    return *std::move(outcome);
}

EnrolmentCodes::Outcome EnrolmentCodes::redeem(const JoinCodeId& id, const JoinSecret& secret,
                                               const CertificateWanted& wanted,
                                               const Issuing& issuing) {
    return in_transaction([&] { return redeem_in(id, secret, wanted, issuing); });
}

EnrolmentCodes::Outcome EnrolmentCodes::renew(const Renewing& renewing, const Issuing& issuing) {
    return in_transaction([&] { return renew_in(renewing, issuing); });
}

Result<bool> EnrolmentCodes::lists(const char* sql, std::string_view tenant,
                                   const std::string& authority_pem) {
    LH_TRY_ASSIGN(const auto select, database_.prepare(sql));
    SqliteQuery query{select};
    query.bind(tenant);
    for (;;) {
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return false;
        const auto listed = certificates_in(query.text(0));
        if (!listed.empty() && listed.front() == authority_pem) return true;
    }
}

// Asked in the transaction that issues, so that an authority that was taken off the registry issues
// nothing more, whatever the collector has read. nullptr: there is none.
Result<const Issuer*> EnrolmentCodes::issuer_for(std::string_view tenant, const Issuing& issuing) {
    const Issuer* const issuer = issuing.issuers.find(tenant);
    if (issuer == nullptr) return issuer;
    LH_TRY_ASSIGN(const bool listed,
                  lists("SELECT authority FROM enrolment_authorities WHERE tenant = ?", tenant,
                        issuer->certificate_pem()));
    LH_TRY_ASSIGN(const bool accepted,
                  lists("SELECT authority FROM tenants WHERE name = ?1 UNION ALL "
                        "SELECT authority FROM older_authorities WHERE tenant = ?1",
                        tenant, issuer->tenant_pem()));
    return listed && accepted ? issuer : nullptr;
}

EnrolmentCodes::Outcome EnrolmentCodes::redeem_in(const JoinCodeId& id, const JoinSecret& secret,
                                                  const CertificateWanted& wanted,
                                                  const Issuing& issuing) {
    const auto found = find(id);
    if (!found.ok()) return trouble(found.error());
    if (!found.value() || found.value()->secret_hash != sha256(secret)) {
        return EnrolmentRefusal{
            "code", "code " + text_of(id) + " is not known, or has another " + "secret"};
    }
    const EnrolmentCode& code = *found.value();
    const auto refuse = [&](const char* reason, const std::string& text) {
        return EnrolmentRefusal{reason, "code " + text_of(id) + " " + text, code.tenant,
                                wanted.device};
    };
    if (!wanted.device.empty() && !is_name_part(wanted.device)) {
        return EnrolmentRefusal{"name", "a device's name has 1 to 48 of a-z, 0-9 and -",
                                code.tenant};
    }
    const Sha256 key = sha256(wanted.key);
    const auto kept = kept_for(id, key);
    if (!kept.ok()) return trouble(kept.error());
    const std::string device = kept.value()          ? kept.value()->device
                               : code.device.empty() ? wanted.device
                                                     : code.device;
    if (!wanted.device.empty() && wanted.device != device)
        return refuse("name",
                      "is for device \"" + device + "\", not for \"" + wanted.device + "\"");
    if (!is_name_part(device)) return refuse("name", "is for no device, and none was named");
    const DeviceName name{issuing.environment, code.tenant, device};
    if (wanted.named && *wanted.named != name) {
        return refuse("name", "would name " + device_uri(name) + ", but the request is for " +
                                  device_uri(*wanted.named));
    }
    const auto state = state_of(code.tenant, device);
    if (!state.ok()) return trouble(state.error());
    if (state.value() == "revoked") return refuse("name", "is for a device that is revoked");
    const auto found_issuer = issuer_for(code.tenant, issuing);
    if (!found_issuer.ok()) return trouble(found_issuer.error());
    const Issuer* const issuer = found_issuer.value();
    const bool of_issuer =
        issuer != nullptr && kept.value() && ends_with(kept.value()->chain, issuer->above());
    if (of_issuer && is_of_use(kept.value()->chain, *issuer, issuing.now))
        return Enrolled{code.tenant, device, kept.value()->chain, true};

    // Who has taken a use before, under an authority that is not here any more, needs no other. One
    // whose certificate has grown old needs a code that is still good: it is no way to go on for
    // ever.
    if (!kept.value() || of_issuer) {
        if (code.revoked) return refuse("code_revoked", "is revoked");
        if (!kept.value() && code.uses_left <= 0) return refuse("code_used", "has been used");
        if (issuing.now > code.expires) return refuse("code_expired", "has expired");
    }
    if (!kept.value() && code.device.empty() && !state.value().empty()) {
        return refuse("name", "is for new devices, and \"" + device + "\" is registered already");
    }
    if (issuer == nullptr)
        return refuse("issuer", "is of a tenant that has no enrolment authority here");
    const auto chain = issuer->issue(name, wanted.key, issuing.days, issuing.now);
    if (!chain.ok()) return refuse("issuer", to_string(chain.error()));
    Enrolled enrolled{code.tenant, device, chain.value().der, kept.value().has_value()};
    if (!kept.value())
        if (const Status taken = take_use(id); !taken.ok()) return trouble(taken.error());
    if (const Status done = keep(enrolled, key, &id, chain.value(), issuing.now); !done.ok())
        return trouble(done.error());
    return enrolled;
}

EnrolmentCodes::Outcome EnrolmentCodes::renew_in(const Renewing& renewing, const Issuing& issuing) {
    const DeviceName& name = renewing.name;
    const auto refuse = [&](const char* reason, const std::string& text) {
        return EnrolmentRefusal{reason, text, name.tenant, name.device};
    };
    const auto state = state_of(name.tenant, name.device);
    if (!state.ok()) return trouble(state.error());
    if (state.value() != "allowed") return refuse("name", "the device is not allowed");
    const auto found = issuer_for(name.tenant, issuing);
    if (!found.ok()) return trouble(found.error());
    const Issuer* const issuer = found.value();
    if (issuer == nullptr) return refuse("issuer", "the tenant has no enrolment authority here");
    const Sha256 hash = sha256(renewing.key);
    const auto kept = kept_of(name);
    if (!kept.ok()) return trouble(kept.error());
    const bool of_issuer = kept.value() && ends_with(kept.value()->chain, issuer->above());
    if (of_issuer && kept.value()->key == hash &&
        is_of_use(kept.value()->chain, *issuer, issuing.now))
        return Enrolled{name.tenant, name.device, kept.value()->chain, true};

    const std::int64_t life_us = issuing.days * day_us;
    if (!renewing.leaves_authority && renewing.expires.value - issuing.now.value > life_us / 2)
        return refuse("too_soon", "the device has a certificate that lasts for long yet");
    const std::int64_t pause_us = life_us / pauses_in_a_life;
    if (of_issuer && kept.value()->key != hash &&
        issuing.now.value - kept.value()->issued.value < pause_us)
        return refuse("too_soon", "the device was given another one a short while ago");
    const auto chain = issuer->issue(name, renewing.key, issuing.days, issuing.now);
    if (!chain.ok()) return refuse("issuer", to_string(chain.error()));
    Enrolled enrolled{name.tenant, name.device, chain.value().der, false};
    if (const Status done = keep(enrolled, hash, nullptr, chain.value(), issuing.now); !done.ok())
        return trouble(done.error());
    return enrolled;
}

Result<std::optional<EnrolmentCode>> EnrolmentCodes::find(const JoinCodeId& id) {
    LH_TRY_ASSIGN(const auto select,
                  database_.prepare((std::string{columns_sql} + " WHERE id = ?").c_str()));
    SqliteQuery query{select};
    LH_TRY_ASSIGN(const bool row, query.bind(Bytes{id}).step());
    return row ? std::optional{code_in(query)} : std::nullopt;
}

// Empty: not registered.
Result<std::string> EnrolmentCodes::state_of(std::string_view tenant, std::string_view device) {
    LH_TRY_ASSIGN(const auto select,
                  database_.prepare("SELECT state FROM devices WHERE tenant = ? AND name = ?"));
    SqliteQuery query{select};
    LH_TRY_ASSIGN(const bool row, query.bind(tenant).bind(device).step());
    return row ? std::string{query.text(0)} : std::string{};
}

Result<std::optional<EnrolmentCodes::Kept>> EnrolmentCodes::kept_for(const JoinCodeId& id,
                                                                     const Sha256& key) {
    LH_TRY_ASSIGN(const auto select,
                  database_.prepare("SELECT device, chain FROM issued_certificates WHERE code = ? "
                                    "AND key_hash = ?"));
    SqliteQuery query{select};
    LH_TRY_ASSIGN(const bool row, query.bind(Bytes{id}).bind(Bytes{key}).step());
    if (!row) return std::optional<Kept>{};
    const Bytes chain = query.blob(1);
    return std::optional{Kept{std::string{query.text(0)}, {chain.begin(), chain.end()}, key}};
}

Result<std::optional<EnrolmentCodes::Kept>> EnrolmentCodes::kept_of(const DeviceName& name) {
    LH_TRY_ASSIGN(const auto select,
                  database_.prepare("SELECT chain, key_hash, time_us FROM issued_certificates "
                                    "WHERE tenant = ? AND device = ?"));
    SqliteQuery query{select};
    LH_TRY_ASSIGN(const bool row, query.bind(name.tenant).bind(name.device).step());
    if (!row) return std::optional<Kept>{};
    const Bytes chain = query.blob(0);
    Kept kept{name.device, {chain.begin(), chain.end()}, {}, {query.integer(2)}};
    copy_blob(query.blob(1), kept.key);
    return std::optional{std::move(kept)};
}

// One certificate a device: what was issued to it before has been replaced by this one.
Status EnrolmentCodes::keep(const Enrolled& enrolled, const Sha256& key, const JoinCodeId* code,
                            const IssuedChain& chain, WallUs now) {
    LH_TRY_ASSIGN(const auto allow,
                  database_.prepare("INSERT OR IGNORE INTO devices VALUES (?, ?, 'allowed')"));
    LH_TRY(SqliteQuery{allow}.bind(enrolled.tenant).bind(enrolled.device).run());
    LH_TRY_ASSIGN(const auto insert,
                  database_.prepare("INSERT OR REPLACE INTO issued_certificates VALUES "
                                    "(?, ?, ?, nullif(?, x''), ?, ?)"));
    LH_TRY(SqliteQuery{insert}
               .bind(enrolled.tenant)
               .bind(enrolled.device)
               .bind(Bytes{key})
               .bind(code == nullptr ? Bytes{key}.first(0) : Bytes{*code})
               .bind(Bytes{enrolled.chain})
               .bind(now.value)
               .run());
    LH_TRY_ASSIGN(const auto expiry,
                  database_.prepare("INSERT OR REPLACE INTO certificates VALUES (?, ?, ?)"));
    return SqliteQuery{expiry}
        .bind(enrolled.tenant)
        .bind(enrolled.device)
        .bind(chain.expires.value)
        .run();
}

Status EnrolmentCodes::take_use(const JoinCodeId& id) {
    LH_TRY_ASSIGN(
        const auto update,
        database_.prepare("UPDATE enrolment_codes SET uses_left = uses_left - 1 WHERE id = ?"));
    return SqliteQuery{update}.bind(Bytes{id}).run();
}

}  // namespace longhaul::collector
