// A table in a lake on a simulated disk, for tests of its log.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <cstdio>

#include "collector/lake/delta_log.hpp"
#include "collector/lake/local_store.hpp"
#include "firmware-sim/sim_disk.hpp"

namespace longhaul::test {

using namespace longhaul::collector;

inline const std::string folder = "acme/bus";
inline const std::string app = "6c6f6e67-6861-756c-8000-000000000001/0";

inline Column column(const char* name, ColumnType type, const char* kind = "") {
    Column made;
    made.name = name;
    made.type = type;
    made.kind = kind;
    return made;
}

// Our n-th commit: one file, and the txn at n * 100.
inline TableCommit commit_number(std::int64_t n) {
    DataFile file;
    file.path =
        "receive_date=2026-11-21/0-0-" + std::to_string(n * 100) + "-0123456789abcdef.parquet";
    file.receive_date = "2026-11-21";
    file.bytes = 1000;
    file.rows = 7;
    file.stats = R"({"numRecords":7})";
    TableCommit commit;
    commit.files = {file};
    commit.txns = {{app, n * 100}};
    commit.columns = {column("device", ColumnType::string),
                      column("speed", ColumnType::decimal_real, "decimal")};
    commit.columns[1].unit = "m/s";
    commit.table_id_if_new = "11111111-2222-8333-8444-555555555555";
    commit.commit_id = "66666666-7777-8888-8999-aaaaaaaaaaaa";
    commit.now = {1'795'219'200'123'456};
    return commit;
}

inline std::string log_path(int version) {
    char name[32];
    std::snprintf(name, sizeof(name), "%020d.json", version);
    return folder + "/_delta_log/" + name;
}

// What another program writes into the log, at its version.
inline void foreign_commit(LocalStore& store, int version, std::string_view actions) {
    REQUIRE(store.put_if_absent(log_path(version), as_bytes(actions)).ok());
}

struct Lake {
    sim::SimDisk disk;
    LocalStore store{disk};
    DeltaTable table{store, folder};

    void commit(std::int64_t n) { REQUIRE(table.commit(commit_number(n)).ok()); }
    // What somebody sees who opens the table now.
    TableState reopened() {
        DeltaTable fresh{store, folder};
        REQUIRE(fresh.refresh().ok());
        return fresh.state();
    }
    ErrorCode error_of_reopening() {
        DeltaTable fresh{store, folder};
        const Status status = fresh.refresh();
        REQUIRE_FALSE(status.ok());
        return status.error().code;
    }
};

}  // namespace longhaul::test
