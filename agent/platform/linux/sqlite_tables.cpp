#include "agent/platform/linux/sqlite_tables.hpp"

#include <algorithm>

#include "agent/core/cut_before.hpp"
#include "common/base/crc32c.hpp"

namespace longhaul::agent {
namespace {

constexpr const char* damaged_row_text = "a row of the spool is damaged";
Error missing_row() { return {ErrorCode::corrupt, "a row of the spool is missing"}; }

Result<Bytes> copy_to(MutableBytes room, Bytes bytes) {
    if (bytes.size() > room.size()) return ErrorCode::too_large;
    std::copy(bytes.begin(), bytes.end(), room.begin());
    return Bytes{room.first(bytes.size())};
}

// Reads the first copy of a row that is not damaged: `take` says whether it is one.
template <class Take>
Status first_copy(const SqliteStatement& first, const SqliteStatement& second, std::int64_t key,
                  Take take) {
    bool found = false;
    bool unreadable = false;
    for (std::int64_t copy = 0; copy < copies; ++copy) {
        SqliteQuery query{copy == 0 ? first : second};
        query.bind(copy_id(key, copy));
        const auto row = query.step();
        unreadable = unreadable || (!row.ok() && row.error() == ErrorCode::corrupt);
        if (!row.ok() && !unreadable) return row.error();
        if (!row.ok() || !row.value()) continue;
        if (take(query, copy_id(key, copy))) return {};
        found = true;
    }
    if (unreadable) return Error{ErrorCode::corrupt, "a page of the spool is damaged"};
    return found ? Status{damaged_row()} : Status{ErrorCode::not_found};
}

}  // namespace

Error damaged_row() { return {ErrorCode::corrupt, damaged_row_text}; }
bool is_damaged_row(const Error& error) { return error.detail == damaged_row_text; }

Status SpoolTables::make(const SpoolRoot& root) {
    LH_TRY(database_.execute(spool_tables));
    LH_TRY(prepare_statements());
    LH_TRY(note_layout(root));
    const std::string pragmas = "PRAGMA application_id = " + std::to_string(spool_application_id) +
                                "; PRAGMA user_version = " + std::to_string(spool_version);
    return database_.execute(pragmas.c_str());
}

Status SpoolTables::note_layout(const SpoolRoot& root) {
    LH_TRY_ASSIGN(layout_, layout());
    return put_root(root);
}

Status SpoolTables::prepare() {
    LH_TRY(prepare_statements());
    LH_TRY_ASSIGN(layout_, layout());
    LH_TRY(root());
    return {};
}

Status SpoolTables::prepare_statements() {
    for (std::size_t i = 0; i < sql_count; ++i) {
        Result<SqliteStatement> statement = database_.prepare(statement_texts[i]);
        if (!statement.ok())
            return Error{ErrorCode::corrupt, "the spool's tables are not what they should be"};
        statements_[i] = std::move(statement).value();
    }
    return {};
}

// A checksum of what SQLite has noted of the tables: where they lie, and how they were made.
Result<std::int64_t> SpoolTables::layout() {
    LH_TRY_ASSIGN(const SqliteStatement statement,
                  database_.prepare("SELECT rootpage, sql FROM sqlite_master ORDER BY rowid"));
    SqliteQuery query{statement};
    RowSum sum{RowKind::spool, 0};
    for (;;) {
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return sum.value();
        sum.add(query.integer(0)).add(as_bytes(query.text(1)));
    }
}

Result<SpoolRoot> SpoolTables::root() {
    SpoolRoot root;
    std::int64_t version = 0;
    std::int64_t layout = 0;
    const Status found = first_copy(
        statement(sql_get_spool), statement(sql_get_spool), 0,
        [&](const SqliteQuery& row, RowId id) {
            version = row.integer(1);
            layout = row.integer(2);
            root.incarnation.value = row.as<std::uint32_t>(3);
            root.epoch.value = row.as<std::uint32_t>(4);
            root.lost_samples = row.as<std::uint64_t>(5);
            ByteReader losses{row.blob(6)};
            return row.integer(0) == row_sum(RowKind::spool, id, version, layout, row.integer(3),
                                             row.integer(4), row.integer(5), row.blob(6)) &&
                   root.losses.read(losses).ok();
        });
    if (!found.ok()) return found.error() == ErrorCode::not_found ? missing_row() : found.error();
    if (version != spool_version)
        return Error{ErrorCode::unsupported, "the spool was made by another version"};
    if (layout != layout_)
        return Error{ErrorCode::corrupt, "the spool's tables are not what they were"};
    return root;
}

Status SpoolTables::put_root(const SpoolRoot& root) {
    std::array<std::byte, LossLedger::stored_bytes_max> room;
    ByteWriter losses{room};
    root.losses.write(losses);
    const std::int64_t incarnation = root.incarnation.value;
    const std::int64_t epoch = root.epoch.value;
    const auto lost = static_cast<std::int64_t>(root.lost_samples);
    for (std::int64_t id = 0; id < copies; ++id) {
        const std::int64_t sum = row_sum(RowKind::spool, id, spool_version, layout_, incarnation,
                                         epoch, lost, losses.written());
        LH_TRY(run(sql_put_spool, id, sum, spool_version, layout_, incarnation, epoch, lost,
                   losses.written()));
    }
    return {};
}

Status SpoolTables::put_schema(const SchemaHash& hash, Bytes encoded) {
    for (std::int64_t copy = 0; copy < copies; ++copy) {
        const RowId id = copy_id(schema_key(hash), copy);
        LH_TRY(run(copy == 0 ? sql_put_schema : sql_put_schema_copy, id,
                   row_sum(RowKind::schema, id, Bytes{hash}, encoded), Bytes{hash}, encoded));
    }
    return {};
}

Result<Bytes> SpoolTables::schema(const SchemaHash& hash, MutableBytes room) {
    Result<Bytes> encoded = ErrorCode::not_found;
    LH_TRY(first_copy(statement(sql_get_schema), statement(sql_get_schema_copy), schema_key(hash),
                      [&](const SqliteQuery& row, RowId id) {
                          encoded = copy_to(room, row.blob(2));
                          return row.integer(0) ==
                                 row_sum(RowKind::schema, id, Bytes{hash}, row.blob(2));
                      }));
    return encoded;
}

Status SpoolTables::put_epoch(Incarnation incarnation, Epoch epoch, Bytes record,
                              std::span<const SchemaHash> schemas) {
    const std::int64_t number = incarnation.value;
    const Bytes hashes = std::as_bytes(schemas);
    for (std::int64_t copy = 0; copy < copies; ++copy) {
        const RowId id = copy_id(epoch.value, copy);
        const std::int64_t sum = row_sum(RowKind::epoch, id, number, hashes, record);
        LH_TRY(
            run(copy == 0 ? sql_put_epoch : sql_put_epoch_copy, id, sum, number, hashes, record));
    }
    return {};
}

namespace {

bool is_whole_epoch(const SqliteQuery& row, RowId id) {
    return row.integer(0) == row_sum(RowKind::epoch, id, row.integer(1), row.blob(2), row.blob(3));
}

}  // namespace

Result<Bytes> SpoolTables::epoch(Epoch epoch, MutableBytes room) {
    Result<Bytes> record = ErrorCode::not_found;
    LH_TRY(first_copy(statement(sql_get_epoch), statement(sql_get_epoch_copy), epoch.value,
                      [&](const SqliteQuery& row, RowId id) {
                          record = copy_to(room, row.blob(3));
                          return is_whole_epoch(row, id);
                      }));
    return record;
}

Result<std::vector<SchemaHash>> SpoolTables::epoch_schemas(Epoch epoch) {
    std::vector<SchemaHash> schemas;
    const auto take = [&](const SqliteQuery& row, RowId id) {
        const Bytes hashes = row.blob(2);
        schemas.resize(hashes.size() / sizeof(SchemaHash));
        std::copy_n(hashes.begin(), schemas.size() * sizeof(SchemaHash),
                    std::as_writable_bytes(std::span{schemas}).begin());
        return is_whole_epoch(row, id);
    };
    const Status found =
        first_copy(statement(sql_get_epoch), statement(sql_get_epoch_copy), epoch.value, take);
    if (!found.ok() && found.error() == ErrorCode::not_found) return std::vector<SchemaHash>{};
    LH_TRY(found);
    return schemas;
}

Status SpoolTables::list_cut_before(Epoch epoch, LossLedger& losses) {
    std::array<std::byte, signed_epoch_bytes_max> room;
    const auto record = this->epoch(epoch, room);
    const bool unusable =
        !record.ok() && (record.error() == ErrorCode::not_found ||
                         record.error() == ErrorCode::too_large || is_damaged_row(record.error()));
    if (unusable) return {};
    LH_TRY(record);
    MemorySource source{record.value()};
    const auto before = parse_epoch_before(source);
    if (before.ok()) longhaul::agent::list_cut_before(before.value(), losses);
    return {};
}

Status SpoolTables::put_state(std::uint8_t key, Bytes value) {
    for (std::int64_t copy = 0; copy < copies; ++copy) {
        const RowId id = copy_id(key, copy);
        LH_TRY(run(sql_put_state, id, row_sum(RowKind::state, id, value), value));
    }
    return {};
}

Result<Bytes> SpoolTables::state(std::uint8_t key, MutableBytes room) {
    Result<Bytes> value = ErrorCode::not_found;
    const Status found =
        first_copy(statement(sql_get_state), statement(sql_get_state), key,
                   [&](const SqliteQuery& row, RowId id) {
                       value = copy_to(room, row.blob(1));
                       return row.integer(0) == row_sum(RowKind::state, id, row.blob(1));
                   });
    if (!found.ok() && is_damaged_row(found.error())) return ErrorCode::not_found;
    LH_TRY(found);
    return value;
}

Status SpoolTables::put_count(const ClassCount& count) {
    const std::int64_t number = count.last_number;
    const std::int64_t kept = count.kept;
    const std::int64_t sum = row_sum(RowKind::count, count.id, number, count.last_us, kept);
    return run(sql_put_count, count.id, sum, number, count.last_us, kept);
}

namespace {

Result<ClassCount> read_count(SqliteQuery& query, RowId id) {
    LH_TRY_ASSIGN(const bool row, query.step());
    if (!row) return ClassCount{id};
    const ClassCount count{query.integer(0), query.as<std::uint32_t>(2), query.integer(3),
                           query.as<std::uint32_t>(4)};
    if (query.integer(1) !=
        row_sum(RowKind::count, count.id, query.integer(2), count.last_us, query.integer(4)))
        return damaged_row();
    return count;
}

}  // namespace

Result<ClassCount> SpoolTables::count(RowId id) {
    SqliteQuery query{statement(sql_get_count)};
    query.bind(id);
    return read_count(query, id);
}

Result<bool> SpoolTables::keeps_blocks_of(Epoch epoch) {
    for (std::size_t c = 0; c < block_class_count; ++c) {
        LH_TRY_ASSIGN(const ClassCount here, count(row_id(static_cast<BlockClass>(c), {epoch, 0})));
        if (here.kept != 0) return true;
    }
    return false;
}

Result<std::uint64_t> SpoolTables::blocks_counted() {
    LH_TRY_ASSIGN(const std::int64_t kept,
                  database_.integer("SELECT coalesce(sum(kept), 0) FROM counts"));
    return static_cast<std::uint64_t>(kept);
}

Result<Epoch> SpoolTables::newest_epoch() {
    Epoch newest;
    for (std::size_t c = 0; c < block_class_count; ++c) {
        const auto block_class = static_cast<BlockClass>(c);
        SqliteQuery query{statement(sql_last_count)};
        query.bind(first_row(block_class)).bind(last_row(block_class));
        LH_TRY_ASSIGN(const ClassCount last, read_count(query, first_row(block_class)));
        newest = std::max(newest, place_of(last.id).epoch);
    }
    return newest;
}

Status SpoolTables::put_block(RowId id, const SpoolTag& tag, Bytes sealed) {
    const std::int64_t samples = tag.samples;
    const std::int64_t losses = tag.losses;
    const std::int64_t sum =
        row_sum(RowKind::block, id, samples, tag.first_us, tag.last_us, losses, sealed);
    return run(sql_put_block, id, sum, samples, tag.first_us, tag.last_us, losses, sealed);
}

template <class Take>
Result<SpoolBlock> SpoolTables::read_block(RowId id, Take take) {
    SqliteQuery query{statement(sql_get_block)};
    query.bind(id);
    LH_TRY_ASSIGN(const bool row, query.step());
    if (!row) return ErrorCode::not_found;
    const Bytes sealed = query.blob(6);
    if (query.integer(1) != row_sum(RowKind::block, id, query.integer(2), query.integer(3),
                                    query.integer(4), query.integer(5), sealed))
        return damaged_row();
    SpoolBlock block;
    block.tag.name.epoch = place_of(id).epoch;
    block.tag.name.seq = BlockSeq::of(class_of(id), place_of(id).number);
    block.tag.samples = query.as<std::uint16_t>(2);
    block.tag.first_us = query.integer(3);
    block.tag.last_us = query.integer(4);
    block.tag.losses = query.as<std::uint16_t>(5);
    LH_TRY_ASSIGN(block.sealed, take(sealed));
    return block;
}

Result<SpoolBlock> SpoolTables::block(RowId id, MutableBytes room) {
    return read_block(id, [room](Bytes sealed) { return copy_to(room, sealed); });
}

Result<StoredBlock> SpoolTables::look_at(RowId id) {
    StoredBlock stored;
    LH_TRY_ASSIGN(const SpoolBlock block, read_block(id, [&](Bytes sealed) -> Result<Bytes> {
                      stored.bytes = sealed.size() + block_overhead_bytes;
                      return Bytes{};
                  }));
    stored.tag = block.tag;
    return stored;
}

Status SpoolTables::remove_block(RowId id) {
    LH_TRY(run(sql_cut_block, id));
    return database_.changed_rows() == 1 ? Status{} : Status{missing_row()};
}

Result<BlockRun> SpoolTables::sum(RowId first, RowId last) {
    SqliteQuery query{statement(sql_sum_blocks)};
    query.bind(first).bind(last);
    LH_TRY_ASSIGN(const bool row, query.step());
    BlockRun run{first, last};
    if (!row || query.as<std::uint32_t>(0) != run.blocks()) return missing_row();
    run.samples = query.as<std::uint64_t>(1);
    run.bytes = query.as<std::uint64_t>(2) + std::uint64_t{run.blocks()} * block_overhead_bytes;
    return run;
}

Result<SpoolTables::WaitingEpochs> SpoolTables::waiting_epochs() {
    SqliteQuery query{statement(sql_waiting_epochs)};
    LH_TRY_ASSIGN(const bool row, query.step());
    if (!row) return WaitingEpochs{};
    return WaitingEpochs{
        {query.as<std::uint32_t>(0)}, {query.as<std::uint32_t>(1)}, query.as<std::uint32_t>(2)};
}

Status SpoolTables::forget_empty_epochs(Epoch newest) {
    LH_TRY(run(sql_forget_epochs, newest.value));
    LH_TRY(run(sql_forget_epoch_copies));
    LH_TRY(run(sql_forget_counts, newest.value));
    LH_TRY(run(sql_forget_schemas));
    return run(sql_forget_schema_copies);
}

}  // namespace longhaul::agent
