// The spool in one SQLite file.
//
// WAL with synchronous=FULL, so an append is on disk when it returns; marks and state are written
// behind it in the same log and wait for its next sync.
//
// The bound counts sealed bytes and a fixed overhead a block; the file itself is a little larger.
// Durable blocks are removed, oldest first, when an append needs their room. Locked for as long as
// it is open: two agents on one spool would give the same names twice.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "agent/core/spool.hpp"
#include "agent/platform/linux/spool_standing.hpp"
#include "agent/platform/linux/sqlite_spool_sql.hpp"
#include "agent/port/entropy.hpp"
#include "common/host/sqlite.hpp"

namespace longhaul::agent {

class SqliteSpool final : public Spool {
 public:
    // Opens the spool or formats a new one, whose incarnation is drawn from `entropy`. The folder
    // exists. Waits two seconds for whoever else has it open.
    static Result<std::unique_ptr<SqliteSpool>, Message> open(const std::string& path,
                                                              const SpoolPolicy& policy,
                                                              Entropy& entropy);
    SqliteSpool(const SqliteSpool&) = delete;
    SqliteSpool& operator=(const SqliteSpool&) = delete;

    Incarnation incarnation() const override { return incarnation_; }
    const SpoolPolicy& policy() const override { return policy_; }
    Result<Epoch> begin_epoch() override;
    Result<EpochEnd> previous_end() override { return previous_end_; }

    Status store_schema(const SchemaHash& hash, Bytes encoded) override;
    Status store_epoch(Epoch epoch, Bytes signed_epoch,
                       std::span<const SchemaHash> schemas) override;
    Result<Bytes> read_schema(const SchemaHash& hash, MutableBytes room) override;
    Result<Bytes> read_epoch(Epoch epoch, MutableBytes room) override;
    Result<std::size_t> waiting_schemas(std::span<SchemaHash> out) override;
    Result<std::size_t> epoch_schemas(Epoch epoch, std::span<SchemaHash> out) override;

    Result<Appended> append(std::span<const SpoolBlock> blocks, const SentMarks& sent) override;
    Result<SpoolBlock> next(BlockClass block_class, Epoch epoch, BlockSeq after,
                            MutableBytes room) override;
    Result<DurableGain> mark_durable(const SeqRange& range) override;
    Status void_durable() override;
    Result<SpoolDepth> depth() override;
    const LossLedger& losses() const override { return losses_; }
    SpoolWear wear() override { return {}; }

    Status put_state(std::uint8_t key, Bytes value) override;
    Result<Bytes> read_state(std::uint8_t key, MutableBytes room) override;

    // For people: how far the blocks have come.
    Result<std::vector<SpoolStanding>> standing() { return read_standing(database_); }

 private:
    // What is kept in memory of the table of blocks, so that a full spool costs no input or output.
    struct Fill {
        std::uint64_t bytes = 0;
        std::uint64_t bytes_waiting = 0;
        std::array<std::uint32_t, block_class_count> waiting{};
    };

    SqliteSpool(SqliteDatabase database, const SpoolPolicy& policy)
        : database_{std::move(database)}, policy_{policy} {}
    static Result<std::unique_ptr<SqliteSpool>> try_open(const std::string& path,
                                                         const SpoolPolicy& policy,
                                                         Entropy& entropy);
    Status prepare_database(Entropy& entropy);
    Status check_version();
    Status format(Entropy& entropy);
    Status load();
    Status load_fill();
    Status load_previous_end();

    // Runs a statement that yields nothing; values are integers or bytes.
    template <class... Values>
    Status run(StatementId id, Values... values);
    // The same, without a sync of its own.
    template <class... Values>
    Status run_lazily(StatementId id, Values... values);
    Status make_room(std::uint64_t bytes, Fill& fill);
    Status insert_block(const SpoolBlock& block);
    Status forget_empty_epochs();
    Result<std::size_t> read_hashes(SqliteQuery& query, std::span<SchemaHash> out);
    Result<Bytes> read_blob(SqliteQuery& query, MutableBytes room);

    SqliteDatabase database_;
    std::array<SqliteStatement, sql_count> statements_;  // end before the database
    SpoolPolicy policy_;
    LossLedger losses_;
    Incarnation incarnation_;
    EpochEnd previous_end_;
    Fill fill_;
};

}  // namespace longhaul::agent
