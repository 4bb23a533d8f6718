// What the registry came to know later about who is who: older authorities of tenants, those that
// issue on a collector, what each tenant may use and has sent today, until when devices'
// certificates are good, and which devices were seen twice. A registry without these tables is a
// whole one.
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
    CREATE TABLE IF NOT EXISTS cut_off_authorities (
        tenant TEXT NOT NULL REFERENCES tenants (name),
        authority TEXT NOT NULL,
        PRIMARY KEY (tenant, authority)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS limits (
        tenant TEXT PRIMARY KEY REFERENCES tenants (name),
        connections INTEGER NOT NULL,
        bytes_per_second INTEGER NOT NULL,
        bytes_per_day INTEGER NOT NULL,
        handshakes_per_second INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS day_intake (
        tenant TEXT PRIMARY KEY,
        day INTEGER NOT NULL,
        bytes INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS clones (
        tenant TEXT NOT NULL,
        device TEXT NOT NULL,
        first_us INTEGER NOT NULL,
        last_us INTEGER NOT NULL,
        times INTEGER NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (tenant, device)
    ) STRICT, WITHOUT ROWID;
)";

}  // namespace longhaul::collector
