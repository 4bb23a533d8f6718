#include "common/host/sqlite.hpp"

#include <sqlite3.h>

namespace longhaul {
namespace {

Error error_of(sqlite3* database) {
    const int code = sqlite3_extended_errcode(database);
    if (code == SQLITE_CONSTRAINT_FOREIGNKEY)
        return {ErrorCode::not_found, "the database has no such row to refer to"};
    if (code == SQLITE_IOERR_READ || code == SQLITE_IOERR_CORRUPTFS)
        return {ErrorCode::corrupt, "the medium cannot read the database"};
    switch (code & 0xff) {
        case SQLITE_FULL:
            return {ErrorCode::full, "no space left on the database's disk"};
        case SQLITE_CORRUPT:
            return {ErrorCode::corrupt, "the database is damaged"};
        case SQLITE_NOTADB:
            return {ErrorCode::malformed, "the file is not an SQLite database"};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {ErrorCode::denied, "another program has the database open"};
        case SQLITE_READONLY:
            return {ErrorCode::denied, "the database is read-only"};
        case SQLITE_CONSTRAINT:
            return {ErrorCode::exists, "the database has this already"};
        case SQLITE_CANTOPEN:
            return {ErrorCode::io, "the database cannot be opened"};
        default:
            return {ErrorCode::io, "the database cannot be read or written"};
    }
}

}  // namespace

void SqliteClose::operator()(sqlite3* database) const { sqlite3_close(database); }
void SqliteClose::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path, SqliteAccess access,
                                            int busy_ms, const char* vfs) {
    const int flags = access == SqliteAccess::read_only
                          ? SQLITE_OPEN_READONLY
                          : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, vfs);
    SqliteDatabase database{raw};
    if (opened != SQLITE_OK) return error_of(raw);
    sqlite3_busy_timeout(raw, busy_ms);
    return database;
}

Status SqliteDatabase::execute(const char* sql) {
    if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    return error_of(database_.get());
}

Result<SqliteStatement> SqliteDatabase::prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                           nullptr) != SQLITE_OK) {
        return error_of(database_.get());
    }
    return SqliteStatement{statement};
}

Result<std::int64_t> SqliteDatabase::integer(const char* sql) {
    LH_TRY_ASSIGN(const SqliteStatement statement, prepare(sql));
    SqliteQuery query{statement};
    LH_TRY_ASSIGN(const bool row, query.step());
    if (!row) return Error{ErrorCode::not_found, "the query yields no row"};
    return query.integer(0);
}

// Some errors have rolled back already.
void SqliteDatabase::roll_back() {
    if (sqlite3_get_autocommit(database_.get()) == 0) LH_CHECK(execute("ROLLBACK").ok());
}

int SqliteDatabase::changed_rows() const { return sqlite3_changes(database_.get()); }

std::uint64_t SqliteDatabase::pages_written() const {
    int pages = 0;
    int ignored = 0;
    sqlite3_db_status(database_.get(), SQLITE_DBSTATUS_CACHE_WRITE, &pages, &ignored, 0);
    return static_cast<std::uint64_t>(pages);
}

SqliteQuery::~SqliteQuery() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

SqliteQuery& SqliteQuery::bind(std::int64_t value) {
    sqlite3_bind_int64(statement_, ++bound_, value);
    return *this;
}

SqliteQuery& SqliteQuery::bind(std::string_view text) {
    sqlite3_bind_text64(statement_, ++bound_, text.empty() ? "" : text.data(), text.size(),
                        SQLITE_STATIC, SQLITE_UTF8);
    return *this;
}

SqliteQuery& SqliteQuery::bind(Bytes bytes) {
    // A null pointer would bind NULL instead of an empty blob.
    const void* const data = bytes.empty() ? static_cast<const void*>("") : bytes.data();
    sqlite3_bind_blob64(statement_, ++bound_, data, bytes.size(), SQLITE_STATIC);
    return *this;
}

Result<bool> SqliteQuery::step() {
    switch (sqlite3_step(statement_)) {
        case SQLITE_ROW:
            return true;
        case SQLITE_DONE:
            return false;
        default:
            return error_of(sqlite3_db_handle(statement_));
    }
}

Status SqliteQuery::run() {
    LH_TRY_ASSIGN(const bool row, step());
    static_cast<void>(row);
    return {};
}

bool SqliteQuery::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t SqliteQuery::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

Bytes SqliteQuery::blob(int column) const {
    return {static_cast<const std::byte*>(sqlite3_column_blob(statement_, column)),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string_view SqliteQuery::text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return {text == nullptr ? "" : text,
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

}  // namespace longhaul
