#include "collector/lake/audit_rows.hpp"

#include <catch2/catch_test_macros.hpp>

#include "collector/lake/delta_log.hpp"
#include "collector/lake/local_store.hpp"
#include "collector/lake/parquet_file.hpp"
#include "firmware-sim/sim_disk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

std::vector<Column> identity_columns() {
    std::vector<Column> columns(6);
    const char* names[] = {"device", "incarnation", "epoch", "seq", "row", "receive_time"};
    for (std::size_t i = 0; i < columns.size(); ++i) {
        columns[i].name = names[i];
        columns[i].type = i == 0 ? ColumnType::string : ColumnType::long_integer;
    }
    columns[4].type = ColumnType::short_integer;
    columns[5].type = ColumnType::timestamp;
    return columns;
}

// A table of one file per commit, its rows given as (seq, row) of device bus-1.
struct Table {
    sim::SimDisk disk;
    LocalStore store{disk};
    DeltaTable table{store, "acme/bus"};
    std::int64_t commits = 0;

    void commit(std::vector<std::pair<std::int64_t, std::int64_t>> rows) {
        REQUIRE(crypto_init().ok());
        Batch batch{identity_columns()};
        for (const auto& [seq, row] : rows) {
            batch.begin_row();
            batch.put_text(0, "bus-1");
            batch.put_integer(1, 11);
            batch.put_integer(2, 1);
            batch.put_integer(3, seq);
            batch.put_integer(4, row);
            batch.put_integer(5, 1000 - row);
            batch.end_row();
        }
        auto object = store.begin();
        const auto written = write_parquet(batch, batch.arrival_order(), *object.value());
        REQUIRE(written.ok());
        DataFile file;
        file.path = "receive_date=2026-11-21/" + std::to_string(++commits) + ".parquet";
        file.receive_date = "2026-11-21";
        file.bytes = written.value().bytes;
        REQUIRE(object.value()->finish("acme/bus/" + file.path).ok());
        TableCommit made;
        made.files = {file};
        made.txns = {{"journal/0", commits}};
        made.columns = identity_columns();
        REQUIRE(table.commit(made).ok());
    }
};

std::size_t faults_of(ObjectStore& store) {
    const auto audited = audit_rows(store, "acme/bus");
    REQUIRE(audited.ok());
    CHECK(audited.value().blocks.empty());
    return audited.value().faults.size();
}

}  // namespace

TEST_CASE("audit rows: rows are counted per block over all files, further copies apart") {
    Table table;
    table.commit({{1, 0}, {1, 1}, {2, 0}});
    table.commit({{1, 2}, {2, 0}, {2, 0}});

    const auto audited = audit_rows(table.store, "acme/bus");
    REQUIRE(audited.ok());
    CHECK(audited.value().version == 1);
    CHECK(audited.value().txns.at("journal/0") == 2);
    REQUIRE(audited.value().blocks.size() == 2);
    const AuditedRows& first = audited.value().blocks.at({"bus-1", 11, 1, 1});
    CHECK(first.rows == 3);
    CHECK(first.duplicates == 0);
    CHECK(first.rows_end == 3);
    CHECK(first.received_us == 998);
    const AuditedRows& second = audited.value().blocks.at({"bus-1", 11, 1, 2});
    CHECK(second.rows == 1);
    CHECK(second.duplicates == 2);
}

TEST_CASE("audit rows: a table that is not there is empty") {
    sim::SimDisk disk;
    LocalStore store{disk};
    const auto audited = audit_rows(store, "acme/bus");
    REQUIRE(audited.ok());
    CHECK(audited.value().version == -1);
    CHECK(audited.value().blocks.empty());
}

TEST_CASE("audit rows: a missing, cut or nonsensical file is found") {
    Table table;
    table.commit({{1, 0}});
    const std::string path = "acme/bus/receive_date=2026-11-21/1.parquet";
    const auto bytes = table.store.read(path).value();
    REQUIRE(table.disk.remove(path).ok());
    CHECK(faults_of(table.store) == 1);
    REQUIRE(table.store.put_if_absent(path, Bytes{bytes}.first(bytes.size() - 1)).ok());
    CHECK(faults_of(table.store) == 1);

    Table nonsense;
    nonsense.commit({{1, 70'000}});
    CHECK(faults_of(nonsense.store) == 1);
}

TEST_CASE("audit rows: no more blocks are held than may be, and only of devices that are wanted") {
    Table table;
    table.commit({{1, 0}, {2, 0}, {3, 0}});
    AuditLimits limits;
    limits.blocks_max = 2;
    CHECK(audit_rows(table.store, "acme/bus", limits).error().code == ErrorCode::too_large);
    limits.wanted = [](std::string_view device) { return device == "bus-2"; };
    const auto none = audit_rows(table.store, "acme/bus", limits);
    REQUIRE(none.ok());
    CHECK(none.value().blocks.empty());
}

TEST_CASE("audit rows: system tables are no data tables") {
    sim::SimDisk disk;
    LocalStore store{disk};
    for (const char* name : {"acme/_losses/x", "acme/bus/x", "acme/port/x", "other/tram/x"}) {
        REQUIRE(store.put_if_absent(name, as_bytes("x")).ok());
    }
    CHECK(data_tables(store, "acme").value() == std::vector<std::string>{"bus", "port"});
    CHECK(data_tables(store, "nobody").value().empty());
}
