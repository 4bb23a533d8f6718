#include "agent/platform/linux/sqlite_spool.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace longhaul::agent {
namespace {

constexpr std::int64_t application_id = 0x4c48'5350;  // "LHSP"
constexpr std::int64_t spool_version = 1;
constexpr unsigned open_attempts_max = 20;
constexpr std::chrono::milliseconds open_pause{100};
constexpr std::uint64_t block_overhead_bytes = 128;  // of a row and its two index entries

}  // namespace

Result<std::unique_ptr<SqliteSpool>, Message> SqliteSpool::open(const std::string& path,
                                                                const SpoolPolicy& policy,
                                                                Entropy& entropy) {
    // Somebody may be looking at it; whoever still has it after a while is another agent.
    for (unsigned attempt = 1;; ++attempt) {
        auto spool = try_open(path, policy, entropy);
        if (spool.ok()) return std::move(spool).value();
        if (spool.error() != ErrorCode::denied || attempt == open_attempts_max)
            return Message{path + ": " + to_string(spool.error())};
        std::this_thread::sleep_for(open_pause);
    }
}

Result<std::unique_ptr<SqliteSpool>> SqliteSpool::try_open(const std::string& path,
                                                           const SpoolPolicy& policy,
                                                           Entropy& entropy) {
    LH_TRY_ASSIGN(SqliteDatabase database, SqliteDatabase::open(path, SqliteAccess::make, 0));
    std::unique_ptr<SqliteSpool> spool{new SqliteSpool{std::move(database), policy}};
    LH_TRY(spool->prepare_database(entropy));
    return spool;
}

template <class... Values>
Status SqliteSpool::run(StatementId id, Values... values) {
    SqliteQuery query{statements_[id]};
    (query.bind(values), ...);
    return query.run();
}

template <class... Values>
Status SqliteSpool::run_lazily(StatementId id, Values... values) {
    LH_TRY(database_.execute("PRAGMA synchronous = NORMAL"));
    const Status done = run(id, values...);
    LH_TRY(database_.execute("PRAGMA synchronous = FULL"));
    return done;
}

Status SqliteSpool::prepare_database(Entropy& entropy) {
    LH_TRY(database_.execute(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
        "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 1048576;"
        "BEGIN IMMEDIATE; COMMIT;"));  // takes the lock now and not at the first append
    LH_TRY_ASSIGN(const std::int64_t tables,
                  database_.integer("SELECT count(*) FROM sqlite_master"));
    const bool fresh = tables == 0;
    if (fresh) {
        LH_TRY(database_.execute("BEGIN IMMEDIATE"));
        LH_TRY(database_.execute(spool_tables));
    } else {
        LH_TRY(check_version());
    }
    for (std::size_t i = 0; i < sql_count; ++i) {
        Result<SqliteStatement> statement = database_.prepare(statement_texts[i]);
        if (!statement.ok())
            return Error{ErrorCode::corrupt, "the spool's tables are not what they should be"};
        statements_[i] = std::move(statement).value();
    }
    if (fresh) LH_TRY(format(entropy));
    return load();
}

Status SqliteSpool::check_version() {
    LH_TRY_ASSIGN(const std::int64_t application, database_.integer("PRAGMA application_id"));
    if (application != application_id) return Error{ErrorCode::malformed, "this is not a spool"};
    LH_TRY_ASSIGN(const std::int64_t version, database_.integer("PRAGMA user_version"));
    if (version != spool_version)
        return Error{ErrorCode::unsupported, "the spool was made by another version"};
    return {};
}

// Ends the transaction in which the tables were made, so that a spool is formatted whole or not at
// all.
Status SqliteSpool::format(Entropy& entropy) {
    std::array<std::byte, 4> random;
    LH_TRY(entropy.fill(random));
    LH_TRY(run(sql_insert_spool, ByteReader{random}.u32()));
    const std::string pragmas = "PRAGMA application_id = " + std::to_string(application_id) +
                                "; PRAGMA user_version = " + std::to_string(spool_version) +
                                "; COMMIT";
    return database_.execute(pragmas.c_str());
}

Status SqliteSpool::load() {
    {
        SqliteQuery query{statements_[sql_select_spool]};
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return Error{ErrorCode::corrupt, "the spool has no incarnation"};
        incarnation_.value = query.as<std::uint32_t>(0);
    }
    LH_TRY(load_fill());
    return load_previous_end();
}

Status SqliteSpool::load_fill() {
    fill_ = {};
    SqliteQuery query{statements_[sql_select_fill]};
    for (;;) {
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return {};
        const auto bytes = query.as<std::uint64_t>(3);
        fill_.bytes += bytes;
        if (query.integer(1) != 0) continue;
        fill_.bytes_waiting += bytes;
        fill_.waiting[query.as<std::size_t>(0) % block_class_count] = query.as<std::uint32_t>(2);
    }
}

Status SqliteSpool::load_previous_end() {
    {
        SqliteQuery query{statements_[sql_newest_epoch]};
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row || query.is_null(0)) return {};
        previous_end_.epoch.value = query.as<std::uint32_t>(0);
    }
    SqliteQuery query{statements_[sql_select_ends]};
    query.bind(previous_end_.epoch.value);
    for (;;) {
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return {};
        const std::size_t block_class = query.as<std::size_t>(0) % block_class_count;
        previous_end_.last_number[block_class] = query.as<std::uint32_t>(1);
        previous_end_.last_us[block_class] = query.integer(2);
    }
}

Result<Epoch> SqliteSpool::begin_epoch() {
    Epoch epoch;
    const Status raised = database_.in_transaction([&]() -> Status {
        SqliteQuery query{statements_[sql_raise_epoch]};
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return Error{ErrorCode::corrupt, "the spool has no epoch counter"};
        epoch.value = query.as<std::uint32_t>(0);
        return query.run();
    });
    LH_TRY(raised);
    return epoch;
}

Status SqliteSpool::store_schema(const SchemaHash& hash, Bytes encoded) {
    return run(sql_insert_schema, Bytes{hash}, encoded);
}

Status SqliteSpool::store_epoch(Epoch epoch, Bytes signed_epoch,
                                std::span<const SchemaHash> schemas) {
    return database_.in_transaction([&]() -> Status {
        LH_TRY(run(sql_insert_epoch, epoch.value, signed_epoch));
        for (std::size_t i = 0; i < schemas.size(); ++i) {
            LH_TRY(run(sql_insert_epoch_schema, epoch.value, static_cast<std::int64_t>(i),
                       Bytes{schemas[i]}));
        }
        return {};
    });
}

Result<Bytes> SqliteSpool::read_blob(SqliteQuery& query, MutableBytes room) {
    LH_TRY_ASSIGN(const bool row, query.step());
    if (!row) return ErrorCode::not_found;
    const Bytes blob = query.blob(0);
    if (blob.size() > room.size()) return ErrorCode::too_large;
    std::copy(blob.begin(), blob.end(), room.begin());
    return Bytes{room.first(blob.size())};
}

Result<Bytes> SqliteSpool::read_schema(const SchemaHash& hash, MutableBytes room) {
    SqliteQuery query{statements_[sql_select_schema]};
    return read_blob(query.bind(Bytes{hash}), room);
}

Result<Bytes> SqliteSpool::read_epoch(Epoch epoch, MutableBytes room) {
    SqliteQuery query{statements_[sql_select_epoch]};
    return read_blob(query.bind(epoch.value), room);
}

Result<std::size_t> SqliteSpool::read_hashes(SqliteQuery& query, std::span<SchemaHash> out) {
    std::size_t count = 0;
    while (count < out.size()) {
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) break;
        const Bytes hash = query.blob(0);
        if (hash.size() != sizeof(SchemaHash)) return Error{ErrorCode::corrupt, "a schema's hash"};
        std::copy(hash.begin(), hash.end(), out[count++].begin());
    }
    return count;
}

Result<std::size_t> SqliteSpool::waiting_schemas(std::span<SchemaHash> out) {
    SqliteQuery query{statements_[sql_select_waiting_schemas]};
    return read_hashes(query, out);
}

Result<std::size_t> SqliteSpool::epoch_schemas(Epoch epoch, std::span<SchemaHash> out) {
    SqliteQuery query{statements_[sql_select_epoch_schemas]};
    return read_hashes(query.bind(epoch.value), out);
}

Result<Appended> SqliteSpool::append(std::span<const SpoolBlock> blocks,
                                     const SentMarks& /*sent*/) {
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    Fill fill = fill_;
    for (const SpoolBlock& block : blocks) {
        const std::uint64_t more = block.sealed.size() + block_overhead_bytes;
        if (fill.bytes_waiting + more > policy_.bytes_max) break;
        bytes += more;
        fill.bytes_waiting += more;
        ++fill.waiting[static_cast<std::size_t>(block.tag.name.seq.block_class())];
        ++count;
    }
    if (count == 0) return Error{ErrorCode::full, "the spool is full"};
    const Status stored = database_.in_transaction([&]() -> Status {
        LH_TRY(make_room(bytes, fill));
        for (const SpoolBlock& block : blocks.first(count)) LH_TRY(insert_block(block));
        return {};
    });
    LH_TRY(stored);
    fill.bytes += bytes;
    fill_ = fill;
    return Appended{count, false};
}

// Removes durable blocks, oldest first, until `bytes` more fit.
Status SqliteSpool::make_room(std::uint64_t bytes, Fill& fill) {
    bool removed = false;
    while (fill.bytes + bytes > policy_.bytes_max) {
        std::int64_t id = 0;
        {
            SqliteQuery query{statements_[sql_oldest_durable]};
            LH_TRY_ASSIGN(const bool row, query.step());
            if (!row) return Error{ErrorCode::full, "the spool is full"};
            id = query.integer(0);
            fill.bytes -= query.as<std::uint64_t>(1);
        }
        LH_TRY(run(sql_delete_block, id));
        removed = true;
    }
    return removed ? forget_empty_epochs() : Status{};
}

// Records and schemas of epochs that have no block left. The newest that ever had one stays, for
// the next record refers to it; so does what is newer, for its first block may be about to come.
Status SqliteSpool::forget_empty_epochs() {
    return database_.execute(
        "DELETE FROM epochs WHERE epoch < (SELECT max(epoch) FROM ends)"
        " AND NOT EXISTS (SELECT 1 FROM blocks WHERE blocks.epoch = epochs.epoch);"
        "DELETE FROM ends WHERE epoch NOT IN (SELECT epoch FROM epochs);"
        "DELETE FROM epoch_schemas WHERE epoch NOT IN (SELECT epoch FROM epochs);"
        "DELETE FROM schemas WHERE hash NOT IN (SELECT hash FROM epoch_schemas);");
}

Status SqliteSpool::insert_block(const SpoolBlock& block) {
    const auto& [tag, sealed] = block;
    const BlockSeq seq = tag.name.seq;
    const auto block_class = static_cast<std::int64_t>(seq.block_class());
    LH_TRY(run(sql_insert_block, block_class, tag.name.epoch.value, seq.number(), tag.samples,
               tag.first_us, tag.last_us,
               static_cast<std::int64_t>(sealed.size() + block_overhead_bytes), sealed));
    return run(sql_upsert_end, tag.name.epoch.value, block_class, seq.number(), tag.last_us);
}

Result<SpoolBlock> SqliteSpool::next(BlockClass block_class, Epoch epoch, BlockSeq after,
                                     MutableBytes room) {
    if (fill_.waiting[static_cast<std::size_t>(block_class)] == 0) return ErrorCode::not_found;
    SqliteQuery query{statements_[sql_next_block]};
    query.bind(static_cast<std::int64_t>(block_class)).bind(epoch.value).bind(after.number());
    LH_TRY_ASSIGN(const bool row, query.step());
    if (!row) return ErrorCode::not_found;
    SpoolBlock block;
    block.tag.name = {incarnation_,
                      {query.as<std::uint32_t>(0)},
                      BlockSeq::of(block_class, query.as<std::uint32_t>(1))};
    block.tag.samples = query.as<std::uint16_t>(2);
    block.tag.first_us = query.integer(3);
    block.tag.last_us = query.integer(4);
    const Bytes sealed = query.blob(5);
    if (sealed.size() > room.size()) return ErrorCode::too_large;
    std::copy(sealed.begin(), sealed.end(), room.begin());
    block.sealed = room.first(sealed.size());
    return block;
}

Result<DurableGain> SqliteSpool::mark_durable(const SeqRange& range) {
    const BlockClass block_class = range.first.block_class();
    const std::int64_t class_number = static_cast<std::int64_t>(block_class);
    const std::uint32_t first = range.first.number();
    const std::uint32_t last = range.last.number();
    DurableGain gain;
    std::uint64_t bytes = 0;
    {
        SqliteQuery query{statements_[sql_count_waiting_range]};
        query.bind(class_number).bind(range.epoch.value).bind(first).bind(last);
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return gain;
        gain = {query.as<std::uint32_t>(0), query.as<std::uint64_t>(1)};
        bytes = query.as<std::uint64_t>(2);
    }
    if (gain.blocks == 0) return gain;
    LH_TRY(run_lazily(sql_mark_durable, class_number, range.epoch.value, first, last));
    fill_.bytes_waiting -= bytes;
    fill_.waiting[static_cast<std::size_t>(block_class)] -= gain.blocks;
    return gain;
}

Status SqliteSpool::void_durable() {
    LH_TRY(run(sql_void_durable));
    return load_fill();
}

Result<SpoolDepth> SqliteSpool::depth() {
    SpoolDepth depth;
    depth.waiting = fill_.waiting;
    depth.bytes_waiting = fill_.bytes_waiting;
    if (fill_.bytes_waiting == 0) return depth;
    SqliteQuery query{statements_[sql_waiting_epochs]};
    LH_TRY_ASSIGN(const bool row, query.step());
    if (!row) return depth;
    depth.oldest_epoch.value = query.as<std::uint32_t>(0);
    depth.newest_epoch.value = query.as<std::uint32_t>(1);
    depth.epochs = query.as<std::uint32_t>(2);
    return depth;
}

Status SqliteSpool::put_state(std::uint8_t key, Bytes value) {
    if (value.size() > state_bytes_max) return ErrorCode::too_large;
    return run_lazily(sql_put_state, key, value);
}

Result<Bytes> SqliteSpool::read_state(std::uint8_t key, MutableBytes room) {
    SqliteQuery query{statements_[sql_select_state]};
    return read_blob(query.bind(key), room);
}

}  // namespace longhaul::agent
