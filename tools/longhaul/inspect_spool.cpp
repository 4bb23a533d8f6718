// `longhaul inspect spool`: how full the SQLite spool of an agent for Linux is, and of what. Reads
// only; the agent may be running.
#include <sqlite3.h>

#include <boost/json.hpp>
#include <memory>
#include <string_view>

#include "common/base/ids.hpp"
#include "tools/longhaul/inspect.hpp"
#include "tools/longhaul/text.hpp"

namespace longhaul::tools {
namespace {

constexpr std::int64_t spool_application_id = 0x4c48'5350;  // "LHSP"

struct Close {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Close>;
using Statement = std::unique_ptr<sqlite3_stmt, Close>;

// Calls `take` for every row of a query.
template <class Take>
Result<void, Message> each_row(const Database& database, const char* sql, Take take) {
    sqlite3_stmt* raw = nullptr;
    const int prepared = sqlite3_prepare_v2(database.get(), sql, -1, &raw, nullptr);
    const Statement statement{raw};
    if (prepared != SQLITE_OK) return Message{sqlite3_errmsg(database.get())};
    int step = SQLITE_ROW;
    while ((step = sqlite3_step(raw)) == SQLITE_ROW) take(raw);
    if (step != SQLITE_DONE) return Message{sqlite3_errmsg(database.get())};
    return {};
}

Bytes blob(sqlite3_stmt* row, int column) {
    return {static_cast<const std::byte*>(sqlite3_column_blob(row, column)),
            static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
}

Result<void, Message> print_spool(const Database& database, const InspectOptions& options) {
    std::int64_t application = 0;
    LH_TRY(each_row(database, "PRAGMA application_id",
                    [&](sqlite3_stmt* row) { application = sqlite3_column_int64(row, 0); }));
    if (application != spool_application_id) return Message{"is not a spool"};
    LH_TRY(each_row(database, "SELECT incarnation, epoch FROM spool", [&](sqlite3_stmt* row) {
        const Incarnation incarnation{static_cast<std::uint32_t>(sqlite3_column_int64(row, 0))};
        print_item({{"incarnation", incarnation_text(incarnation)},
                    {"epochs_begun", sqlite3_column_int64(row, 1)}},
                   options);
    }));
    LH_TRY(each_row(database, "SELECT record FROM epochs ORDER BY epoch", [&](sqlite3_stmt* row) {
        const auto item = describe_epoch(blob(row, 0));
        print_item(item.ok() ? item.value() : boost::json::object{{"problem", item.error().text}},
                   options);
    }));
    return each_row(
        database,
        "SELECT epoch, class, durable, count(*), sum(samples), sum(bytes), min(number), max(number)"
        " FROM blocks GROUP BY epoch, class, durable ORDER BY epoch, class, durable",
        [&](sqlite3_stmt* row) {
            const auto block_class = static_cast<BlockClass>(sqlite3_column_int64(row, 1) & 3);
            print_item({{"epoch", sqlite3_column_int64(row, 0)},
                        {"class", name_of(block_class)},
                        {"state", sqlite3_column_int64(row, 2) != 0 ? "acknowledged" : "waiting"},
                        {"blocks", sqlite3_column_int64(row, 3)},
                        {"samples", sqlite3_column_int64(row, 4)},
                        {"bytes", sqlite3_column_int64(row, 5)},
                        {"first", sqlite3_column_int64(row, 6)},
                        {"last", sqlite3_column_int64(row, 7)}},
                       options);
        });
}

}  // namespace

Result<void, Message> inspect_spool(const InspectOptions& options) {
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open_v2(options.path.c_str(), &raw, SQLITE_OPEN_READONLY, nullptr);
    const Database database{raw};
    if (opened != SQLITE_OK) return Message{options.path + ": " + sqlite3_errmsg(raw)};
    sqlite3_busy_timeout(raw, 2000);
    if (const auto printed = print_spool(database, options); !printed.ok()) {
        return Message{options.path + ": " + printed.error().text};
    }
    return {};
}

}  // namespace longhaul::tools
