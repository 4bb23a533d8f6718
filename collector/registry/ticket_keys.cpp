#include "collector/registry/ticket_keys.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>

namespace longhaul::collector {
namespace {

constexpr int busy_ms_max = 1000;
constexpr std::int64_t day_us = 86'400'000'000;

constexpr const char* schema_sql = R"(
    CREATE TABLE IF NOT EXISTS ticket_keys (
        generation INTEGER PRIMARY KEY,
        key BLOB NOT NULL CHECK (length(key) = 16)
    ) STRICT;
)";

Status make_private(const std::string& path) {
    constexpr mode_t others = S_IRWXG | S_IRWXO;
    for (const std::string& each : {path, path + "-wal", path + "-shm"}) {
        struct stat status{};
        if (::stat(each.c_str(), &status) != 0) {
            if (each == path) return Error{ErrorCode::io, "the registry is gone"};
            continue;
        }
        if ((status.st_mode & others) == 0) continue;
        if (::chmod(each.c_str(), S_IRUSR | S_IWUSR) != 0)
            return Error{ErrorCode::denied, "others may read the registry, and it is not ours"};
    }
    return {};
}

}  // namespace

std::int64_t ticket_generation(WallUs now) { return now.value / day_us; }

bool ticket_key_opens(std::int64_t generation, WallUs now) {
    const std::int64_t age = ticket_generation(now) - generation;
    return age >= -1 && age <= 1;
}

Result<std::unique_ptr<TicketKeys>> TicketKeys::open(const std::string& path) {
    LH_TRY_ASSIGN(SqliteDatabase database,
                  SqliteDatabase::open(path, SqliteAccess::make, busy_ms_max));
    // From here on the file holds secrets. A log and index made later get the mode of the file.
    LH_TRY(make_private(path));
    LH_TRY(database.execute("PRAGMA secure_delete = ON"));
    LH_TRY(database.execute(schema_sql));
    return std::unique_ptr<TicketKeys>{new TicketKeys{std::move(database)}};
}

Result<std::vector<TicketKey>> TicketKeys::at(WallUs now) {
    LH_TRY_ASSIGN(std::vector<TicketKey> keys, read(now));
    const std::int64_t today = ticket_generation(now);
    const auto is_today = [today](const TicketKey& key) { return key.generation == today; };
    if (std::none_of(keys.begin(), keys.end(), is_today)) {
        LH_TRY(rotate(now));
        LH_TRY_ASSIGN(keys, read(now));
    }
    const auto sealing = std::find_if(keys.begin(), keys.end(), is_today);
    if (sealing == keys.end()) return Error{ErrorCode::not_found, "no ticket key of this day"};
    std::iter_swap(keys.begin(), sealing);
    return keys;
}

Result<std::vector<TicketKey>> TicketKeys::read(WallUs now) {
    LH_TRY_ASSIGN(const auto select,
                  database_.prepare("SELECT generation, key FROM ticket_keys WHERE generation "
                                    "BETWEEN ?1 - 1 AND ?1 + 1 ORDER BY generation DESC"));
    std::vector<TicketKey> keys;
    SqliteQuery query{select};
    query.bind(ticket_generation(now));
    for (;;) {
        LH_TRY_ASSIGN(const bool row, query.step());
        if (!row) return keys;
        TicketKey key{query.integer(0), {}};
        const Bytes bytes = query.blob(1);
        if (bytes.size() != key.key.bytes.size()) return Error{ErrorCode::corrupt, "ticket key"};
        std::memcpy(key.key.bytes.data(), bytes.data(), bytes.size());
        keys.push_back(key);
    }
}

// Two collectors may do so at once: the first one's key stays. A key of a day to come is that of a
// collector whose clock is ahead, which would make it again.
Status TicketKeys::rotate(WallUs now) {
    BlockKey fresh;
    LH_TRY(random_bytes(fresh.bytes));
    LH_TRY_ASSIGN(const auto insert,
                  database_.prepare("INSERT OR IGNORE INTO ticket_keys VALUES (?, ?)"));
    LH_TRY_ASSIGN(const auto forget,
                  database_.prepare("DELETE FROM ticket_keys WHERE generation < ?1 - 1"));
    const auto replace = [&]() -> Status {
        LH_TRY(SqliteQuery{insert}.bind(ticket_generation(now)).bind(Bytes{fresh.bytes}).run());
        return SqliteQuery{forget}.bind(ticket_generation(now)).run();
    };
    LH_TRY(database_.in_transaction(replace));
    // What was forgotten is in the log until that is emptied.
    return database_.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace longhaul::collector
