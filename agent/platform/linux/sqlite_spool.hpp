// The spool in one SQLite file; docs/spec/spool.md.
//
// WAL with synchronous=FULL, so an append is on disk when it returns; marks and state are written
// behind it in the same log and wait for its next sync.
//
// The bound counts sealed bytes and a fixed overhead a block; the file itself is a little larger.
// Locked for as long as it is open: two agents on one spool would give the same names twice. An
// operation that finds the file damaged returns the error corrupt; the next open() sets it aside
// and takes over what can be read.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/core/spool.hpp"
#include "agent/platform/linux/spool_files.hpp"
#include "agent/platform/linux/spool_standing.hpp"
#include "agent/platform/linux/sqlite_tables.hpp"
#include "agent/port/entropy.hpp"

namespace longhaul::agent {

// Of a spool whose bound is reached; that of a full disk says otherwise.
inline constexpr Error spool_is_full{ErrorCode::full, "the spool is full"};

class SqliteSpool final : public Spool {
 public:
    // Opens the spool or formats a new one, whose incarnation is drawn from `entropy`. The folder
    // exists. Waits two seconds for whoever else has it open. A damaged file is set aside.
    static Result<std::unique_ptr<SqliteSpool>, Message> open(const std::string& path,
                                                              const SpoolPolicy& policy,
                                                              Entropy& entropy);
    // `files` outlives the spool.
    static Result<std::unique_ptr<SqliteSpool>, Message> open(const std::string& path,
                                                              const SpoolPolicy& policy,
                                                              Entropy& entropy, SpoolFiles& files);
    SqliteSpool(const SqliteSpool&) = delete;
    SqliteSpool& operator=(const SqliteSpool&) = delete;

    // A sentence for the log about a file that was set aside; empty: none was.
    const std::string& set_aside() const { return set_aside_; }
    // An operation has found the file damaged.
    bool damaged() const { return damaged_; }

    Incarnation incarnation() const override { return kept_.root.incarnation; }
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
    const LossLedger& losses() const override { return kept_.root.losses; }
    SpoolWear wear() override;

    Status put_state(std::uint8_t key, Bytes value) override;
    Result<Bytes> read_state(std::uint8_t key, MutableBytes room) override;

    // For people: how far the blocks have come, and how many samples were ever lost.
    Result<SpoolOverview> overview() { return read_overview(tables_.database()); }

 private:
    // What of the tables is kept in memory, as of the last transaction.
    struct Kept {
        SpoolRoot root;
        bool root_changed = false;
        bool epoch_emptied = false;
        Epoch newest_epoch;  // that stored a block
        std::uint64_t bytes_durable = 0;
        std::array<std::uint64_t, block_class_count> bytes_waiting{};
        std::array<std::uint32_t, block_class_count> waiting{};
        std::uint64_t all_waiting() const;
    };
    enum class Durability : std::uint8_t { now, with_the_next };
    // Blocks of one append that are to become one run.
    struct Batch {
        std::optional<BlockRun> run;
        std::int64_t last_us = 0;
    };

    SqliteSpool(SpoolTables tables, std::string path, const SpoolPolicy& policy, SpoolFiles& files)
        : tables_{std::move(tables)},
          path_{std::move(path)},
          policy_{policy},
          bound_{policy},
          files_{&files} {}
    static Result<std::unique_ptr<SqliteSpool>> try_open(const std::string& path,
                                                         const SpoolPolicy& policy,
                                                         Entropy& entropy, SpoolFiles& files);
    Status load();
    Status load_runs(RunKind kind, std::uint64_t& blocks);  // adds those that it finds
    Status load_previous_end();

    // Runs `work` in a transaction; when it fails, what is in memory is as it was before. When the
    // disk is full it is run once more, with less to keep.
    Status transact(Durability durability, const std::function<Status()>& work);
    Status try_transact(Durability durability, const std::function<Status()>& work);

    // sqlite_spool_room.cpp: the disk is full before the bound is reached.
    std::uint64_t bytes_kept() const;
    std::uint64_t bytes_free_in_file();
    void keep_reserve();
    void take_reserve();
    void shrink_to_disk();
    void look_for_room();
    void look_for_room_at_times();
    void empty_log();
    // Copies the log into the file, and counts what that writes.
    Status checkpoint(const char* pragma);
    Status checkpoint_when_due();
    std::uint64_t pages_in_log();
    Status finish_transaction();
    // Remembers that the file is damaged, if that is what an error says.
    Error seen(const Error& error);

    // sqlite_spool_append.cpp
    Result<Appended> append_all(std::span<const SpoolBlock> blocks, const SentMarks& sent);
    std::size_t tell_losses(std::span<const SpoolBlock> blocks);
    Result<RoomDecision> decide(const SpoolBlock& block, const SentMarks& sent);
    Result<RoomDecision::Kind> make_room(const SpoolBlock& block, const SentMarks& sent,
                                         Batch& batch);
    Status put_block(const SpoolBlock& block, Batch& batch);
    Status flush(Batch& batch);
    Status raise_count(RowId block, std::int64_t last_us, std::uint32_t kept);
    Status remove_durable_for(std::uint64_t bytes_more);
    Status remove_oldest_durable();
    Result<RowId> oldest_unsent(BlockClass block_class, const SentMarks& sent);
    Status drop_waiting(RowId id, LossReason reason);
    Result<StoredBlock> look_at_damaged(RowId id, const BlockRun& run);
    // Takes a row and what is counted of it out of a run.
    Status take_out(RunKind kind, const BlockRun& run, const BlockRun& part);
    void list_lost(RowId id, const SpoolTag& tag, LossReason reason);
    Status list_cut_before_lost(Epoch epoch);
    Result<DurableGain> mark_run(RowId first, RowId last);

    SpoolTables tables_;
    std::string path_;
    SpoolPolicy policy_;
    SpoolPolicy bound_;  // policy_, and less than its bytes while the disk is full
    SpoolFiles* files_;
    std::uint64_t reserve_held_ = 0;
    std::uint32_t appends_without_reserve_ = 0;
    Kept kept_;
    EpochEnd previous_end_;
    std::optional<SpoolTables::WaitingEpochs> waiting_epochs_;  // empty: to be asked again
    std::uint64_t bytes_stored_ = 0;
    std::uint64_t pages_copied_ = 0;  // out of the log
    std::uint64_t pages_logged_ = 0;  // up to the last time
    std::string set_aside_;
    bool damaged_ = false;
};

}  // namespace longhaul::agent
