// Runs of blocks in the tables of an SQLite spool: how they grow together and are cut.
#include <algorithm>

#include "agent/platform/linux/sqlite_tables.hpp"

namespace longhaul::agent {
namespace {

constexpr RowKind row_kind(RunKind kind) {
    return kind == RunKind::waiting ? RowKind::waiting : RowKind::durable;
}

}  // namespace

Result<BlockRun> SpoolTables::read_run(RunKind kind, StatementId id, RowId at) {
    SqliteQuery query{statement(id)};
    query.bind(at);
    LH_TRY_ASSIGN(const bool row, query.step());
    if (!row) return ErrorCode::not_found;
    const BlockRun run{query.integer(0), query.integer(2), query.as<std::uint64_t>(3),
                       query.as<std::uint64_t>(4)};
    if (query.integer(1) !=
        row_sum(row_kind(kind), run.first, run.last, query.integer(3), query.integer(4)))
        return damaged_row();
    return run;
}

Result<BlockRun> SpoolTables::run_after(RunKind kind, BlockClass block_class, RowId after) {
    const bool waits = kind == RunKind::waiting;
    const auto before = read_run(kind, waits ? sql_waiting_before : sql_durable_before, after);
    if (before.ok() && before.value().last > after) return before;
    if (!before.ok() && before.error() != ErrorCode::not_found) return before.error();
    LH_TRY_ASSIGN(const BlockRun run,
                  read_run(kind, waits ? sql_waiting_after : sql_durable_after, after));
    if (run.first > last_row(block_class)) return ErrorCode::not_found;
    return run;
}

Status SpoolTables::add_run(RunKind kind, BlockRun run) {
    const bool waits = kind == RunKind::waiting;
    const StatementId cut = waits ? sql_cut_waiting : sql_cut_durable;
    const auto before =
        read_run(kind, waits ? sql_waiting_before : sql_durable_before, run.first - 1);
    if (!before.ok() && before.error() != ErrorCode::not_found) return before.error();
    if (before.ok() && before.value().last + 1 == run.first) {
        run.first = before.value().first;
        run.samples += before.value().samples;
        run.bytes += before.value().bytes;
    }
    const auto after = read_run(kind, waits ? sql_waiting_after : sql_durable_after, run.last);
    if (!after.ok() && after.error() != ErrorCode::not_found) return after.error();
    if (after.ok() && after.value().first == run.last + 1) {
        LH_TRY(this->run(cut, after.value().first));
        run.last = after.value().last;
        run.samples += after.value().samples;
        run.bytes += after.value().bytes;
    }
    const auto samples = static_cast<std::int64_t>(run.samples);
    const auto bytes = static_cast<std::int64_t>(run.bytes);
    return this->run(waits ? sql_put_waiting : sql_put_durable, run.first,
                     row_sum(row_kind(kind), run.first, run.last, samples, bytes), run.last,
                     samples, bytes);
}

Status SpoolTables::cut_run(RunKind kind, const BlockRun& run, const BlockRun& part) {
    LH_TRY(this->run(kind == RunKind::waiting ? sql_cut_waiting : sql_cut_durable, run.first));
    BlockRun rest{part.last + 1, run.last, run.samples - std::min(run.samples, part.samples),
                  run.bytes - std::min(run.bytes, part.bytes)};
    if (run.first < part.first) {
        BlockRun left{run.first, part.first - 1, rest.samples, rest.bytes};
        if (part.last < run.last) {
            LH_TRY_ASSIGN(left, sum(left.first, left.last));
            rest.samples -= std::min(rest.samples, left.samples);
            rest.bytes -= std::min(rest.bytes, left.bytes);
        }
        LH_TRY(add_run(kind, left));
    }
    return part.last < run.last ? add_run(kind, rest) : Status{};
}

}  // namespace longhaul::agent
