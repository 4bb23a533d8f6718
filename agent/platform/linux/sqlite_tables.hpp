// The tables of an SQLite spool, row by row: each is written with its checksum, and not believed
// without it. What the rows mean to each other is up to sqlite_spool.
//
// Errors: corrupt (a row that has to be there is not, or is damaged), and those of SqliteDatabase.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "agent/core/spool.hpp"
#include "agent/platform/linux/sqlite_rows.hpp"
#include "agent/platform/linux/sqlite_spool_sql.hpp"
#include "common/host/sqlite.hpp"

namespace longhaul::agent {

// What there is only one of.
struct SpoolRoot {
    Incarnation incarnation;
    Epoch epoch;                     // the counter
    std::uint64_t lost_samples = 0;  // all that ever were
    LossLedger losses;
};

struct ClassCount {
    RowId id = 0;  // count_id()
    std::uint32_t last_number = 0;
    std::int64_t last_us = 0;
    std::uint32_t kept = 0;  // blocks that are in the spool
};

// Blocks without a gap, all of them waiting or all durable.
struct BlockRun {
    RowId first = 0;
    RowId last = 0;
    std::uint64_t samples = 0;
    std::uint64_t bytes = 0;  // with what the bound counts for a row
    std::uint32_t blocks() const { return static_cast<std::uint32_t>(last - first + 1); }
};
enum class RunKind : std::uint8_t { waiting, durable };

inline constexpr std::uint64_t block_overhead_bytes = 128;  // of a row, as the bound counts it

struct StoredBlock {
    SpoolTag tag;  // without the incarnation, which all have
    std::uint64_t bytes = 0;
};

// Tells of one row, not of the file.
Error damaged_row();
bool is_damaged_row(const Error& error);

class SpoolTables {
 public:
    explicit SpoolTables(SqliteDatabase database) : database_{std::move(database)} {}

    SqliteDatabase& database() { return database_; }
    // In an open transaction: makes the tables and their first root.
    Status make(const SpoolRoot& root);
    // The same, when other tables have gone since.
    Status note_layout(const SpoolRoot& root);
    // Whether these are the tables that were made; then they can be used.
    Status prepare();

    Result<SpoolRoot> root();
    Status put_root(const SpoolRoot& root);

    Status put_schema(const SchemaHash& hash, Bytes encoded);
    Result<Bytes> schema(const SchemaHash& hash, MutableBytes room);
    Status put_epoch(Incarnation incarnation, Epoch epoch, Bytes record,
                     std::span<const SchemaHash> schemas);
    Result<Bytes> epoch(Epoch epoch, MutableBytes room);
    Result<std::vector<SchemaHash>> epoch_schemas(Epoch epoch);
    // What the record says of a power cut before its epoch; of one that is damaged nothing.
    Status list_cut_before(Epoch epoch, LossLedger& losses);
    Status put_state(std::uint8_t key, Bytes value);
    Result<Bytes> state(std::uint8_t key, MutableBytes room);  // error not_found: damaged as well

    Status put_count(const ClassCount& count);
    Result<ClassCount> count(RowId id);  // of the epoch and class; zeros if there is none
    Result<bool> keeps_blocks_of(Epoch epoch);
    Result<Epoch> newest_epoch();            // that ever stored a block; 0: none
    Result<std::uint64_t> blocks_counted();  // that are in the spool, by all counts

    Status put_block(RowId id, const SpoolTag& tag, Bytes sealed);
    // Error corrupt: it is damaged. Error not_found: it is not there.
    Result<SpoolBlock> block(RowId id, MutableBytes room);
    Result<StoredBlock> look_at(RowId id);  // the same, without its bytes
    Status remove_block(RowId id);
    // Of the rows from `first` to `last`, all of which have to be there.
    Result<BlockRun> sum(RowId first, RowId last);

    // The first run of a class that has a block after `after`; error not_found: none.
    Result<BlockRun> run_after(RunKind kind, BlockClass block_class, RowId after);
    // Adds blocks; what adjoins becomes one run.
    Status add_run(RunKind kind, BlockRun run);
    // Takes `part` out of `run`. Its sums are right; those of what is left of it are counted.
    Status cut_run(RunKind kind, const BlockRun& run, const BlockRun& part);

    struct WaitingEpochs {
        Epoch oldest;
        Epoch newest;
        std::uint32_t count = 0;
    };
    Result<WaitingEpochs> waiting_epochs();
    // Records of epochs before `newest` that keep no block, and schemas that none needs.
    Status forget_empty_epochs(Epoch newest);

 private:
    const SqliteStatement& statement(StatementId id) const { return statements_[id]; }
    template <class... Values>
    Status run(StatementId id, Values... values) {
        SqliteQuery query{statements_[id]};
        (query.bind(values), ...);
        return query.run();
    }
    Status prepare_statements();
    Result<std::int64_t> layout();
    template <class Take>
    Result<SpoolBlock> read_block(RowId id, Take take);
    Result<BlockRun> read_run(RunKind kind, StatementId id, RowId at);

    SqliteDatabase database_;
    std::array<SqliteStatement, sql_count> statements_;  // end before the database
    std::int64_t layout_ = 0;
};

}  // namespace longhaul::agent
