// What the registry came to know later about who is who: older authorities of tenants, those that
// issue on a collector, and until when devices' certificates are good. A registry without these
// tables is a whole one.
#pragma once

namespace longhaul::collector {

inline constexpr const char* identity_sql = R"(
    CREATE TABLE IF NOT EXISTS older_authorities (
        tenant TEXT NOT NULL REFERENCES tenants (name),
        authority TEXT NOT NULL,
        PRIMARY KEY (tenant, authority)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS enrolment_authorities (
        tenant TEXT NOT NULL REFERENCES tenants (name),
        authority TEXT NOT NULL,
        PRIMARY KEY (tenant, authority)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS certificates (
        tenant TEXT NOT NULL REFERENCES tenants (name),
        device TEXT NOT NULL,
        expires_us INTEGER NOT NULL,
        PRIMARY KEY (tenant, device)
    ) STRICT, WITHOUT ROWID;
)";

}  // namespace longhaul::collector
