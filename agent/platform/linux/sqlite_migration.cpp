#include "agent/platform/linux/sqlite_migration.hpp"

#include <algorithm>

#include "agent/platform/linux/sqlite_opening.hpp"

namespace longhaul::agent {
namespace {

// Calls `take` for every row of a query.
template <class Take>
Status each_row(SqliteDatabase& database, const char* sql, Take take) {
    LH_TRY_ASSIGN(const SqliteStatement statement, database.prepare(sql));
    SqliteQuery row{statement};
    for (;;) {
        LH_TRY_ASSIGN(const bool found, row.step());
        if (!found) return {};
        LH_TRY(take(row));
    }
}

Result<SchemaHash> hash_of(Bytes bytes) {
    SchemaHash hash{};
    if (bytes.size() != hash.size()) return Error{ErrorCode::corrupt, "a schema's hash"};
    std::copy(bytes.begin(), bytes.end(), hash.begin());
    return hash;
}

Result<SpoolRoot> read_root(SqliteDatabase& database) {
    SpoolRoot root;
    bool found = false;
    LH_TRY(each_row(database, "SELECT incarnation, epoch FROM spool",
                    [&](const SqliteQuery& row) -> Status {
                        root.incarnation.value = row.as<std::uint32_t>(0);
                        root.epoch.value = row.as<std::uint32_t>(1);
                        found = true;
                        return {};
                    }));
    if (!found) return Error{ErrorCode::corrupt, "the spool has no incarnation"};
    return root;
}

Status take_schemas(SpoolTables& tables) {
    return each_row(tables.database(), "SELECT hash, encoded FROM old_schemas",
                    [&](const SqliteQuery& row) -> Status {
                        LH_TRY_ASSIGN(const SchemaHash hash, hash_of(row.blob(0)));
                        return tables.put_schema(hash, row.blob(1));
                    });
}

Status take_epochs(SpoolTables& tables, Incarnation incarnation) {
    LH_TRY_ASSIGN(const SqliteStatement select_schemas,
                  tables.database().prepare(
                      "SELECT hash FROM old_epoch_schemas WHERE epoch = ?1 ORDER BY place"));
    return each_row(tables.database(), "SELECT epoch, record FROM old_epochs",
                    [&](const SqliteQuery& row) -> Status {
                        SqliteQuery of_epoch{select_schemas};
                        of_epoch.bind(row.integer(0));
                        std::vector<SchemaHash> schemas;
                        for (;;) {
                            LH_TRY_ASSIGN(const bool found, of_epoch.step());
                            if (!found) break;
                            LH_TRY_ASSIGN(const SchemaHash hash, hash_of(of_epoch.blob(0)));
                            schemas.push_back(hash);
                        }
                        return tables.put_epoch(incarnation, {row.as<std::uint32_t>(0)},
                                                row.blob(1), schemas);
                    });
}

Status take_counts_and_state(SpoolTables& tables) {
    LH_TRY(each_row(tables.database(), "SELECT epoch, class, last_number, last_us FROM old_ends",
                    [&](const SqliteQuery& row) {
                        const auto block_class = static_cast<BlockClass>(row.integer(1) & 3);
                        return tables.put_count(
                            {row_id(block_class, {{row.as<std::uint32_t>(0)}, 0}),
                             row.as<std::uint32_t>(2), row.integer(3), 0});
                    }));
    return each_row(tables.database(), "SELECT key, value FROM old_state",
                    [&](const SqliteQuery& row) {
                        return tables.put_state(row.as<std::uint8_t>(0), row.blob(1));
                    });
}

Status take_blocks(SpoolTables& tables) {
    RunBuilder runs{tables};
    const Status taken = each_row(
        tables.database(),
        "SELECT class, epoch, number, samples, first_us, last_us, durable, sealed FROM old_blocks"
        " ORDER BY class, epoch, number",
        [&](const SqliteQuery& row) -> Status {
            const auto block_class = static_cast<BlockClass>(row.integer(0) & 3);
            const RowId id =
                row_id(block_class, {{row.as<std::uint32_t>(1)}, row.as<std::uint32_t>(2)});
            SpoolTag tag;
            tag.samples = row.as<std::uint16_t>(3);
            tag.first_us = row.integer(4);
            tag.last_us = row.integer(5);
            LH_TRY(tables.put_block(id, tag, row.blob(7)));
            const RunKind kind = row.integer(6) != 0 ? RunKind::durable : RunKind::waiting;
            const std::uint64_t bytes = row.blob(7).size() + block_overhead_bytes;
            return runs.add(kind, {id, id, tag.samples, bytes}, tag.last_us);
        });
    LH_TRY(taken);
    return runs.finish();
}

constexpr const char* put_old_tables_aside =
    "ALTER TABLE spool RENAME TO old_spool; ALTER TABLE state RENAME TO old_state;"
    "ALTER TABLE schemas RENAME TO old_schemas; ALTER TABLE epochs RENAME TO old_epochs;"
    "ALTER TABLE epoch_schemas RENAME TO old_epoch_schemas;"
    "ALTER TABLE ends RENAME TO old_ends; ALTER TABLE blocks RENAME TO old_blocks;";
constexpr const char* remove_old_tables =
    "DROP TABLE old_spool; DROP TABLE old_state; DROP TABLE old_schemas; DROP TABLE old_epochs;"
    "DROP TABLE old_epoch_schemas; DROP TABLE old_ends; DROP TABLE old_blocks;";

}  // namespace

Status migrate_tables(SpoolTables& tables) {
    SqliteDatabase& database = tables.database();
    return database.in_transaction([&]() -> Status {
        LH_TRY_ASSIGN(const SpoolRoot root, read_root(database));
        LH_TRY(database.execute(put_old_tables_aside));
        LH_TRY(tables.make(root));
        LH_TRY(take_schemas(tables));
        LH_TRY(take_epochs(tables, root.incarnation));
        LH_TRY(take_counts_and_state(tables));
        LH_TRY(take_blocks(tables));
        LH_TRY(database.execute(remove_old_tables));
        return tables.note_layout(root);
    });
}

}  // namespace longhaul::agent
