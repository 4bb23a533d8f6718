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
constexpr int busy_ms_max = 2000;

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

Status print_spool(SqliteDatabase& database, const InspectOptions& options) {
    LH_TRY_ASSIGN(const std::int64_t application, database.integer("PRAGMA application_id"));
    if (application != spool_application_id)
        return Error{ErrorCode::malformed, "this is not a spool"};
    LH_TRY(each_row(database, "SELECT incarnation, epoch FROM spool", [&](const SqliteQuery& row) {
        print_item({{"incarnation", incarnation_text({row.as<std::uint32_t>(0)})},
                    {"epochs_begun", row.integer(1)}},
                   options);
    }));
    LH_TRY(
        each_row(database, "SELECT record FROM epochs ORDER BY epoch", [&](const SqliteQuery& row) {
            const auto item = describe_epoch(row.blob(0));
            print_item(
                item.ok() ? item.value() : boost::json::object{{"problem", item.error().text}},
                options);
        }));
    return each_row(
        database,
        "SELECT epoch, class, durable, count(*), sum(samples), sum(bytes), min(number), max(number)"
        " FROM blocks GROUP BY epoch, class, durable ORDER BY epoch, class, durable",
        [&](const SqliteQuery& row) {
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
