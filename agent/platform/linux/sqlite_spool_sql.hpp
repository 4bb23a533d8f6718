// The SQL of the spool: its tables and the statements that are prepared once. docs/spec/spool.md
// says what the tables are for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace longhaul::agent {

inline constexpr std::int64_t spool_application_id = 0x4c48'5350;  // "LHSP"
inline constexpr std::int64_t spool_version = 2;

// Every table begins with `id` and `crc`, and no two have the same columns by number and kind that
// are not told apart by the checksum: sqlite_rows.hpp.
inline constexpr const char* spool_tables = R"sql(
CREATE TABLE spool (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, version INTEGER NOT NULL,
                    layout INTEGER NOT NULL, incarnation INTEGER NOT NULL, epoch INTEGER NOT NULL,
                    lost_samples INTEGER NOT NULL, losses BLOB NOT NULL);
CREATE TABLE state (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, value BLOB NOT NULL);
CREATE TABLE schemas (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, hash BLOB NOT NULL,
                      encoded BLOB NOT NULL);
CREATE TABLE epochs (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, incarnation INTEGER NOT NULL,
                     schemas BLOB NOT NULL, record BLOB NOT NULL);
CREATE TABLE schema_copies (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, hash BLOB NOT NULL,
                            encoded BLOB NOT NULL);
CREATE TABLE epoch_copies (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL,
                           incarnation INTEGER NOT NULL, schemas BLOB NOT NULL,
                           record BLOB NOT NULL);
CREATE TABLE counts (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, last_number INTEGER NOT NULL,
                     last_us INTEGER NOT NULL, kept INTEGER NOT NULL);
CREATE TABLE waiting (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, last INTEGER NOT NULL,
                      samples INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE durable (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, last INTEGER NOT NULL,
                      samples INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE blocks (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, samples INTEGER NOT NULL,
                     first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, losses INTEGER NOT NULL,
                     sealed BLOB NOT NULL);
)sql";

enum StatementId : std::size_t {
    sql_put_spool,
    sql_get_spool,
    sql_put_state,
    sql_get_state,
    sql_put_schema,
    sql_put_schema_copy,
    sql_get_schema,
    sql_get_schema_copy,
    sql_put_epoch,
    sql_put_epoch_copy,
    sql_get_epoch,
    sql_get_epoch_copy,
    sql_put_count,
    sql_get_count,
    sql_last_count,
    sql_put_waiting,
    sql_cut_waiting,
    sql_waiting_before,
    sql_waiting_after,
    sql_put_durable,
    sql_cut_durable,
    sql_durable_before,
    sql_durable_after,
    sql_put_block,
    sql_get_block,
    sql_cut_block,
    sql_sum_blocks,
    sql_waiting_epochs,
    sql_forget_epochs,
    sql_forget_epoch_copies,
    sql_forget_counts,
    sql_forget_schemas,
    sql_forget_schema_copies,
    sql_count,
};

// In the order of StatementId.
inline constexpr const char* statement_texts[] = {
    "INSERT OR REPLACE INTO spool VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    "SELECT crc, version, layout, incarnation, epoch, lost_samples, losses FROM spool"
    " WHERE id = ?1",
    "INSERT OR REPLACE INTO state VALUES (?1, ?2, ?3)",
    "SELECT crc, value FROM state WHERE id = ?1",
    "INSERT OR REPLACE INTO schemas VALUES (?1, ?2, ?3, ?4)",
    "INSERT OR REPLACE INTO schema_copies VALUES (?1, ?2, ?3, ?4)",
    "SELECT crc, hash, encoded FROM schemas WHERE id = ?1",
    "SELECT crc, hash, encoded FROM schema_copies WHERE id = ?1",
    "INSERT INTO epochs VALUES (?1, ?2, ?3, ?4, ?5)",
    "INSERT INTO epoch_copies VALUES (?1, ?2, ?3, ?4, ?5)",
    "SELECT crc, incarnation, schemas, record FROM epochs WHERE id = ?1",
    "SELECT crc, incarnation, schemas, record FROM epoch_copies WHERE id = ?1",
    "INSERT OR REPLACE INTO counts VALUES (?1, ?2, ?3, ?4, ?5)",
    "SELECT id, crc, last_number, last_us, kept FROM counts WHERE id = ?1",
    "SELECT id, crc, last_number, last_us, kept FROM counts WHERE id BETWEEN ?1 AND ?2"
    " ORDER BY id DESC LIMIT 1",
    "INSERT OR REPLACE INTO waiting VALUES (?1, ?2, ?3, ?4, ?5)",
    "DELETE FROM waiting WHERE id = ?1",
    "SELECT id, crc, last, samples, bytes FROM waiting WHERE id <= ?1 ORDER BY id DESC LIMIT 1",
    "SELECT id, crc, last, samples, bytes FROM waiting WHERE id > ?1 ORDER BY id LIMIT 1",
    "INSERT OR REPLACE INTO durable VALUES (?1, ?2, ?3, ?4, ?5)",
    "DELETE FROM durable WHERE id = ?1",
    "SELECT id, crc, last, samples, bytes FROM durable WHERE id <= ?1 ORDER BY id DESC LIMIT 1",
    "SELECT id, crc, last, samples, bytes FROM durable WHERE id > ?1 ORDER BY id LIMIT 1",
    "INSERT INTO blocks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    "SELECT id, crc, samples, first_us, last_us, losses, sealed FROM blocks WHERE id = ?1",
    "DELETE FROM blocks WHERE id = ?1",
    "SELECT count(*), sum(samples), sum(length(sealed)) FROM blocks WHERE id BETWEEN ?1 AND ?2",
    "SELECT min(epoch), max(epoch), count(DISTINCT epoch)"
    " FROM (SELECT id >> 30 & 4294967295 AS epoch FROM waiting)",
    // Those that keep no block in any class; a count's key is its epoch's, moved to its class.
    "DELETE FROM epochs WHERE id / 2 < ?1 AND NOT EXISTS (SELECT 1 FROM counts WHERE kept > 0"
    " AND counts.id IN ((-9223372036854775807 - 1) + (epochs.id / 2 << 30),"
    " -4611686018427387904 + (epochs.id / 2 << 30), epochs.id / 2 << 30,"
    " 4611686018427387904 + (epochs.id / 2 << 30)))",
    "DELETE FROM epoch_copies WHERE NOT EXISTS"
    " (SELECT 1 FROM epochs WHERE epochs.id = epoch_copies.id - 1)",
    "DELETE FROM counts WHERE kept = 0 AND (id >> 30 & 4294967295) < ?1 AND NOT EXISTS"
    " (SELECT 1 FROM epochs WHERE epochs.id / 2 = (counts.id >> 30 & 4294967295))",
    "DELETE FROM schemas WHERE NOT EXISTS"
    " (SELECT 1 FROM epochs WHERE instr(epochs.schemas, schemas.hash) > 0)",
    "DELETE FROM schema_copies WHERE NOT EXISTS"
    " (SELECT 1 FROM schemas WHERE schemas.id = schema_copies.id - 1)",
};
static_assert(sizeof(statement_texts) / sizeof(*statement_texts) == sql_count);

}  // namespace longhaul::agent
