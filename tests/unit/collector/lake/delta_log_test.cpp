#include <fstream>
#include <sstream>

#include "tests/unit/collector/lake/delta_log_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

// Our first commit, of a table that says what it holds.
TableCommit commit_with_notes() {
    TableCommit commit = commit_number(1);
    commit.description_if_new = "Samples of the schema bus, one row for each";
    commit.columns[0].help = "name from the device's certificate";
    commit.columns[1].scale = 2;
    commit.columns[1].help = "as the vehicle says";
    commit.columns.push_back(column("door", ColumnType::string, "enumeration"));
    commit.columns[2].labels = "open\nshut\n";
    return commit;
}

std::string golden(const std::string& name) {
    std::ifstream file{"tests/golden/lake/" + name};
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// A commit as the golden files have it: without the program's version.
std::string commit_text(LocalStore& store, int version) {
    const auto bytes = store.read(log_path(version));
    REQUIRE(bytes.ok());
    std::string text{as_text(bytes.value())};
    const std::size_t begin = text.find("Longhaul/") + std::string_view{"Longhaul/"}.size();
    text.replace(begin, text.find('"', begin) - begin, "VERSION");
    stamp(text, commit_stamp_mark);
    return text;
}

}  // namespace

TEST_CASE("delta log: tables that any release has begun are read and go on") {
    for (const char* const name : {"first-commit-v1.json", "first-commit-v2.json",
                                   "first-commit-v3.json", "first-commit-v4.json"}) {
        CAPTURE(name);
        Lake lake;
        foreign_commit(lake.store, 0, golden(name));
        CHECK(lake.reopened().files.size() == 1);
        CHECK(lake.table.refresh().ok());
        lake.commit(2);
        CHECK(lake.reopened().files.size() == 2);
    }
}

TEST_CASE("delta log: the first commit makes the table, byte for byte as released") {
    Lake lake;
    REQUIRE(lake.table.commit(commit_with_notes()).ok());
    CHECK(commit_text(lake.store, 0) == golden("first-commit-v4.json"));
}

TEST_CASE("delta log: labels and decimal places that come later are noted once, all else stays") {
    Lake lake;
    REQUIRE(lake.table.commit(commit_with_notes()).ok());
    TableCommit wider = commit_number(2);
    wider.columns = commit_with_notes().columns;
    wider.columns[1].scale = 4;
    wider.columns[1].help = "another one";
    wider.columns[2].labels = "gone\nopen\n";
    wider.description_if_new = "another one";
    REQUIRE(lake.table.commit(wider).ok());
    const TableState state = lake.reopened();
    CHECK(state.columns[1].scale == 4);
    CHECK(state.columns[1].help == "as the vehicle says");
    CHECK(state.columns[2].labels == "open\nshut\ngone\n");
    CHECK(state.metadata.find(R"("description":"Samples of the schema bus, one row for each")") !=
          std::string::npos);

    wider.txns = {{app, 300}};
    REQUIRE(lake.table.commit(wider).ok());
    CHECK(commit_text(lake.store, 2).find("metaData") == std::string::npos);
    REQUIRE(lake.table.commit(commit_number(4)).ok());  // an older schema takes nothing away
    CHECK(commit_text(lake.store, 3).find("metaData") == std::string::npos);
}

TEST_CASE("delta log: the specification shows the first commit as it is") {
    std::ifstream file{"docs/spec/lake.md"};
    std::stringstream text;
    text << file.rdbuf();
    std::istringstream lines{golden("first-commit-v4.json")};
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        CAPTURE(line);
        CHECK(text.str().find("\n    " + line + "\n") != std::string::npos);
    }
    CHECK(count == 5);
}

TEST_CASE("delta log: a later commit says only what is new") {
    Lake lake;
    lake.commit(1);
    lake.commit(2);
    CHECK(commit_text(lake.store, 1) == golden("next-commit-v2.json"));
}

TEST_CASE("delta log: whoever opens the table sees files, columns and txns of all commits") {
    Lake lake;
    for (std::int64_t n = 1; n <= 3; ++n) lake.commit(n);
    const TableState state = lake.reopened();
    CHECK(state.version == 2);
    CHECK(state.files.size() == 3);
    CHECK(state.files.begin()->second.receive_date == "2026-11-21");
    CHECK(state.files.begin()->second.bytes == 1000);
    CHECK(state.txn(app) == 300);
    CHECK(state.txn("somebody else") == -1);
    REQUIRE(state.columns.size() == 2);
    CHECK(state.columns[1].type == ColumnType::decimal_real);
    CHECK(state.columns[1].unit == "m/s");
}

TEST_CASE("delta log: another program's commit in between costs a retry") {
    Lake lake;
    lake.commit(1);
    foreign_commit(lake.store, 1,
                   R"({"commitInfo":{}})"
                   "\n"
                   R"({"txn":{"appId":"theirs","version":9}})"
                   "\n");
    foreign_commit(
        lake.store, 2,
        R"({"remove":{"path":"receive_date=2026-11-21/0-0-100-0123456789abcdef.parquet"}})");
    lake.commit(2);
    const TableState state = lake.reopened();
    CHECK(state.version == 3);
    CHECK(state.txn("theirs") == 9);
    CHECK(state.txn(app) == 200);
    CHECK(state.files.size() == 1);
}

TEST_CASE("delta log: properties and columns that others have set survive a new column of ours") {
    Lake lake;
    lake.commit(1);
    foreign_commit(
        lake.store, 1,
        R"({"metaData":{"id":"11111111-2222-8333-8444-555555555555","description":"buses",)"
        R"("format":{"provider":"parquet","options":{}},"schemaString":)"
        R"("{\"type\":\"struct\",\"fields\":[{\"name\":\"device\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}},)"
        R"({\"name\":\"speed\",\"type\":\"double\",\"nullable\":true,\"metadata\":{\"longhaul.kind\":\"decimal\"}},)"
        R"({\"name\":\"theirs\",\"type\":\"date\",\"nullable\":true,\"metadata\":{}},)"
        R"({\"name\":\"receive_date\",\"type\":\"date\",\"nullable\":true,\"metadata\":{}}]}",)"
        R"("partitionColumns":["receive_date"],"configuration":{"their.key":"1"}}})");
    TableCommit commit = commit_number(2);
    commit.columns.push_back(column("heading", ColumnType::real, "float64"));
    REQUIRE(lake.table.commit(commit).ok());

    const TableState state = lake.reopened();
    CHECK(state.columns.size() == 3);
    CHECK(state.metadata.find(R"("description":"buses")") != std::string::npos);
    CHECK(state.metadata.find(R"("configuration":{"their.key":"1"})") != std::string::npos);
    CHECK(state.metadata.find(R"(\"name\":\"theirs\",\"type\":\"date\")") != std::string::npos);
    CHECK(state.metadata.find(R"(\"name\":\"heading\",\"type\":\"double\")") != std::string::npos);
}

TEST_CASE("delta log: a column that others have taken with another type is refused") {
    Lake lake;
    lake.commit(1);
    TableCommit commit = commit_number(2);
    commit.columns[1] = column("speed", ColumnType::string);
    const Status refused = lake.table.commit(commit);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::denied);
    CHECK(lake.reopened().version == 0);
}

TEST_CASE("delta log: a commit that is there already is done, not done again") {
    Lake lake;
    lake.commit(1);
    DeltaTable late{lake.store, folder};
    REQUIRE(late.commit(commit_number(1)).ok());
    CHECK(lake.reopened().version == 0);
}

TEST_CASE("delta log: a merge that is there already is done, and another one of its files is not") {
    Lake lake;
    lake.commit(1);
    lake.commit(2);
    DeltaTable late{lake.store, folder};
    REQUIRE(late.refresh().ok());
    TableCommit merge = commit_number(3);
    merge.txns.clear();
    merge.removed = {commit_number(1).files[0].path, commit_number(2).files[0].path};
    REQUIRE(lake.table.commit(merge).ok());
    TableCommit other = merge;
    other.files = commit_number(4).files;
    CHECK(late.commit(other).error().code == ErrorCode::out_of_order);
    REQUIRE(late.commit(merge).ok());
    CHECK(lake.reopened().version == 2);
    CHECK(lake.reopened().files.size() == 1);
}

TEST_CASE("delta log: a writer gives up when another one has moved its txn") {
    Lake lake;
    lake.commit(1);
    DeltaTable other{lake.store, folder};
    REQUIRE(other.refresh().ok());
    REQUIRE(other.commit(commit_number(3)).ok());
    const Status refused = lake.table.commit(commit_number(2));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::denied);
    CHECK(lake.reopened().txn(app) == 300);

    // Also when it reached the same place in one shard and another place in the next.
    Lake sharded;
    TableCommit ours = commit_number(1);
    ours.txns = {{"j/0", 100}, {"j/1", 50}};
    TableCommit theirs = ours;
    theirs.txns["j/1"] = 20;
    DeltaTable rival{sharded.store, folder};
    REQUIRE(rival.commit(theirs).ok());
    CHECK(sharded.table.commit(ours).error().code == ErrorCode::denied);

    // And when a try that failed had read what the other one committed.
    Lake retried;
    retried.commit(1);
    TableCommit again = commit_number(2);
    again.txns_before = retried.table.state().txns;
    DeltaTable faster{retried.store, folder};
    REQUIRE(faster.refresh().ok());
    REQUIRE(faster.commit(commit_number(3)).ok());
    REQUIRE(retried.table.refresh().ok());
    CHECK(retried.table.commit(again).error().code == ErrorCode::denied);
    CHECK(retried.reopened().txn(app) == 300);
}
