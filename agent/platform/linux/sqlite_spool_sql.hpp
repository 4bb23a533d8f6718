// The SQL of the spool: its tables and the statements that are prepared once.
#pragma once

#include <cstddef>

namespace longhaul::agent {

inline constexpr const char* spool_tables = R"sql(
CREATE TABLE spool (id INTEGER PRIMARY KEY CHECK (id = 0), incarnation INTEGER NOT NULL,
                    epoch INTEGER NOT NULL);
CREATE TABLE state (key INTEGER PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE schemas (hash BLOB NOT NULL PRIMARY KEY, encoded BLOB NOT NULL);
CREATE TABLE epochs (epoch INTEGER PRIMARY KEY, record BLOB NOT NULL);
CREATE TABLE epoch_schemas (epoch INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL,
                            PRIMARY KEY (epoch, place)) WITHOUT ROWID;
CREATE TABLE ends (epoch INTEGER NOT NULL, class INTEGER NOT NULL, last_number INTEGER NOT NULL,
                   last_us INTEGER NOT NULL, PRIMARY KEY (epoch, class)) WITHOUT ROWID;
CREATE TABLE blocks (id INTEGER PRIMARY KEY, class INTEGER NOT NULL, epoch INTEGER NOT NULL,
                     number INTEGER NOT NULL, samples INTEGER NOT NULL, first_us INTEGER NOT NULL,
                     last_us INTEGER NOT NULL, bytes INTEGER NOT NULL,
                     durable INTEGER NOT NULL DEFAULT 0, sealed BLOB NOT NULL);
CREATE UNIQUE INDEX blocks_by_name ON blocks (class, epoch, number);
CREATE INDEX blocks_waiting ON blocks (class, epoch, number) WHERE durable = 0;
CREATE INDEX blocks_durable ON blocks (id) WHERE durable = 1;
)sql";

enum StatementId : std::size_t {
    sql_insert_spool,
    sql_select_spool,
    sql_raise_epoch,
    sql_newest_epoch,
    sql_select_ends,
    sql_insert_schema,
    sql_insert_epoch,
    sql_insert_epoch_schema,
    sql_select_schema,
    sql_select_epoch,
    sql_select_waiting_schemas,
    sql_select_epoch_schemas,
    sql_insert_block,
    sql_upsert_end,
    sql_oldest_durable,
    sql_delete_block,
    sql_next_block,
    sql_count_waiting_range,
    sql_mark_durable,
    sql_void_durable,
    sql_waiting_epochs,
    sql_select_fill,
    sql_put_state,
    sql_select_state,
    sql_count,
};

// In the order of StatementId.
inline constexpr const char* statement_texts[] = {
    "INSERT INTO spool (id, incarnation, epoch) VALUES (0, ?1, 0)",
    "SELECT incarnation FROM spool",
    "UPDATE spool SET epoch = epoch + 1 RETURNING epoch",
    "SELECT max(epoch) FROM ends",
    "SELECT class, last_number, last_us FROM ends WHERE epoch = ?1",
    "INSERT OR IGNORE INTO schemas (hash, encoded) VALUES (?1, ?2)",
    "INSERT INTO epochs (epoch, record) VALUES (?1, ?2)",
    "INSERT INTO epoch_schemas (epoch, place, hash) VALUES (?1, ?2, ?3)",
    "SELECT encoded FROM schemas WHERE hash = ?1",
    "SELECT record FROM epochs WHERE epoch = ?1",
    "SELECT hash FROM epoch_schemas WHERE epoch IN (SELECT epoch FROM blocks WHERE durable = 0)"
    " GROUP BY hash ORDER BY min(epoch), min(place)",
    "SELECT hash FROM epoch_schemas WHERE epoch = ?1 ORDER BY place",
    "INSERT INTO blocks (class, epoch, number, samples, first_us, last_us, bytes, sealed)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    "INSERT INTO ends (epoch, class, last_number, last_us) VALUES (?1, ?2, ?3, ?4)"
    " ON CONFLICT (epoch, class) DO UPDATE SET last_number = ?3, last_us = ?4",
    "SELECT id, bytes FROM blocks WHERE durable = 1 ORDER BY id LIMIT 1",
    "DELETE FROM blocks WHERE id = ?1",
    "SELECT epoch, number, samples, first_us, last_us, sealed FROM blocks"
    " WHERE class = ?1 AND durable = 0 AND (epoch, number) > (?2, ?3) ORDER BY epoch, number LIMIT "
    "1",
    "SELECT count(*), total(samples), total(bytes) FROM blocks"
    " WHERE class = ?1 AND epoch = ?2 AND number BETWEEN ?3 AND ?4 AND durable = 0",
    "UPDATE blocks SET durable = 1"
    " WHERE class = ?1 AND epoch = ?2 AND number BETWEEN ?3 AND ?4 AND durable = 0",
    "UPDATE blocks SET durable = 0 WHERE durable = 1",
    "SELECT min(epoch), max(epoch), count(DISTINCT epoch) FROM blocks WHERE durable = 0",
    "SELECT class, durable, count(*), total(bytes) FROM blocks GROUP BY class, durable",
    "INSERT INTO state (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
    "SELECT value FROM state WHERE key = ?1",
};
static_assert(sizeof(statement_texts) / sizeof(*statement_texts) == sql_count);

}  // namespace longhaul::agent
