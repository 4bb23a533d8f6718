// SQLite for host programs: who owns a database and its statements, and what its errors mean here.
//
// Errors: full (no space), corrupt (damaged, or the medium cannot read it), malformed (no SQLite
// database), denied (locked by another program, or read-only), exists (a key is there already),
// not_found (what a foreign key names), io (anything else).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace longhaul {

struct SqliteClose {
    void operator()(sqlite3* database) const;
    void operator()(sqlite3_stmt* statement) const;
};
using SqliteStatement = std::unique_ptr<sqlite3_stmt, SqliteClose>;

enum class SqliteAccess : std::uint8_t { read_only, make };  // make: read, write, create

class SqliteDatabase {
 public:
    // Waits up to `busy_ms` for another program that writes.
    // `vfs` names the files' system that SQLite works on; nullptr: the operating system's.
    static Result<SqliteDatabase> open(const std::string& path, SqliteAccess access, int busy_ms,
                                       const char* vfs = nullptr);

    Status execute(const char* sql);  // several statements, none of which yields anything
    // The statement must not outlive the database.
    Result<SqliteStatement> prepare(const char* sql);
    Result<std::int64_t> integer(const char* sql);  // the only cell of a query
    // Runs `work`, which yields a Status, in a transaction: all of it survives a power cut, or
    // nothing of it happened.
    template <class Work>
    Status in_transaction(Work work) {
        LH_TRY(execute("BEGIN IMMEDIATE"));
        Status done = work();
        if (done.ok()) done = execute("COMMIT");
        if (!done.ok()) roll_back();
        return done;
    }
    int changed_rows() const;             // by the last statement
    std::uint64_t pages_written() const;  // since it was opened, but for what checkpoints copy

 private:
    explicit SqliteDatabase(sqlite3* database) : database_{database} {}
    void roll_back();

    std::unique_ptr<sqlite3, SqliteClose> database_;
};

// One run of a prepared statement, which is reset at the end of the scope.
class SqliteQuery {
 public:
    explicit SqliteQuery(const SqliteStatement& statement) : statement_{statement.get()} {}
    ~SqliteQuery();
    SqliteQuery(const SqliteQuery&) = delete;
    SqliteQuery& operator=(const SqliteQuery&) = delete;

    // Parameters in their order. Texts and bytes stay where they are until the query has run.
    SqliteQuery& bind(std::int64_t value);
    SqliteQuery& bind(std::string_view text);
    SqliteQuery& bind(Bytes bytes);

    Result<bool> step();  // whether there is another row
    Status run();         // of a statement that yields nothing

    // Columns of the row; what is viewed ends with the next step().
    bool is_null(int column) const;
    std::int64_t integer(int column) const;
    template <class T>
    T as(int column) const {
        return static_cast<T>(integer(column));
    }
    Bytes blob(int column) const;
    std::string_view text(int column) const;

 private:
    sqlite3_stmt* statement_;
    int bound_ = 0;
};

}  // namespace longhaul
