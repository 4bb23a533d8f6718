// `longhaul inspect spool`: how full the SQLite spool of an agent for Linux is, and of what. Reads
// only; the agent may be running.
#include <boost/json.hpp>

#include "common/base/ids.hpp"
#include "common/host/sqlite.hpp"
#include "tools/longhaul/inspect.hpp"
#include "tools/longhaul/text.hpp"

namespace longhaul::tools {
namespace {

constexpr std::int64_t spool_application_id = 0x4c48'5350;  // "LHSP"
constexpr std::int64_t spool_version = 2;
constexpr int busy_ms_max = 2000;
// Runs of blocks without a gap, by class and epoch; a key is class, epoch and number in one.
constexpr const char* select_runs =
    "SELECT id >> 30 & 4294967295 AS epoch, (id >> 62) + 2 & 3 AS class, state,"
    " sum(last - id + 1), sum(samples), sum(bytes), min(id) & 1073741823, max(last) & 1073741823"
    " FROM (SELECT 0 AS state, id, last, samples, bytes FROM waiting"
    " UNION ALL SELECT 1, id, last, samples, bytes FROM durable)"
    " GROUP BY epoch, class, state ORDER BY epoch, class, state";

// Calls `take` for every row of a query.
template <class Take>
Status each_row(SqliteDatabase& database, const char* sql, Take take) {
    LH_TRY_ASSIGN(const SqliteStatement statement, database.prepare(sql));
    SqliteQuery row{statement};
    for (;;) {
        LH_TRY_ASSIGN(const bool found, row.step());
        if (!found) return {};
        take(row);
    }
}

// The account as docs/spec/spool.md has it.
void print_losses(Bytes stored, const InspectOptions& options) {
    constexpr std::size_t head_bytes = 9;  // behind the number of entries: who tells of them
    constexpr const char* reasons[] = {"unknown", "full",       "expired",
                                       "corrupt", "unreadable", "power_cut"};
    ByteReader in{stored};
    const unsigned entries = in.u8();
    const unsigned told = in.u8();
    in.bytes(head_bytes);
    for (unsigned i = 0; i < entries && in.ok(); ++i) {
        const auto block_class = static_cast<BlockClass>(in.u8() & 3);
        const unsigned reason = in.u8();
        boost::json::object item{{"lost", name_of(block_class)},
                                 {"reason", reason < std::size(reasons) ? reasons[reason] : "?"}};
        for (const char* name : {"first_epoch", "first", "last_epoch", "last"})
            item[name] = in.u32();
        item["samples"] = in.u64();
        item["on_its_way"] = i < told;
        in.i64();
        in.i64();
        if (in.ok()) print_item(item, options);
    }
}

Status print_spool(SqliteDatabase& database, const InspectOptions& options) {
    LH_TRY_ASSIGN(const std::int64_t application, database.integer("PRAGMA application_id"));
    if (application != spool_application_id)
        return Error{ErrorCode::malformed, "this is not a spool"};
    LH_TRY_ASSIGN(const std::int64_t version, database.integer("PRAGMA user_version"));
    if (version != spool_version)
        return Error{ErrorCode::unsupported,
                     "the spool is of another version; its agent takes over one of version 1"};
    LH_TRY(each_row(database, "SELECT incarnation, epoch, lost_samples, losses FROM spool LIMIT 1",
                    [&](const SqliteQuery& row) {
                        print_item({{"incarnation", incarnation_text({row.as<std::uint32_t>(0)})},
                                    {"epochs_begun", row.integer(1)},
                                    {"lost_samples", row.integer(2)}},
                                   options);
                        print_losses(row.blob(3), options);
                    }));
    LH_TRY(each_row(database, "SELECT record FROM epochs ORDER BY id", [&](const SqliteQuery& row) {
        const auto item = describe_epoch(row.blob(0));
        print_item(item.ok() ? item.value() : boost::json::object{{"problem", item.error().text}},
                   options);
    }));
    return each_row(database, select_runs, [&](const SqliteQuery& row) {
        print_item({{"epoch", row.integer(0)},
                    {"class", name_of(static_cast<BlockClass>(row.integer(1) & 3))},
                    {"state", row.integer(2) != 0 ? "acknowledged" : "waiting"},
                    {"blocks", row.integer(3)},
                    {"samples", row.integer(4)},
                    {"bytes", row.integer(5)},
                    {"first", row.integer(6)},
                    {"last", row.integer(7)}},
                   options);
    });
}

}  // namespace

Result<void, Message> inspect_spool(const InspectOptions& options) {
    auto database = SqliteDatabase::open(options.path, SqliteAccess::read_only, busy_ms_max);
    const Status printed =
        database.ok() ? print_spool(database.value(), options) : Status{database.error()};
    if (!printed.ok()) return Message{options.path + ": " + to_string(printed.error())};
    return {};
}

}  // namespace longhaul::tools
