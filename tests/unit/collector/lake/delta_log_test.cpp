#include "collector/lake/delta_log.hpp"

#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <sstream>

#include "collector/lake/local_store.hpp"
#include "firmware-sim/sim_disk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

const std::string folder = "acme/bus";
const std::string app = "6c6f6e67-6861-756c-8000-000000000001/0";

Column column(const char* name, ColumnType type, const char* kind = "") {
    Column made;
    made.name = name;
    made.type = type;
    made.kind = kind;
    return made;
}

// Our n-th commit: one file, and the txn at n * 100.
TableCommit commit_number(std::int64_t n) {
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

std::string log_path(int version) {
    char name[32];
    std::snprintf(name, sizeof(name), "%020d.json", version);
    return folder + "/_delta_log/" + name;
}

// What another program writes into the log, at its version.
void foreign_commit(LocalStore& store, int version, std::string_view actions) {
    REQUIRE(store.put_if_absent(log_path(version), as_bytes(actions)).ok());
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
}

TEST_CASE("delta log: a table that this version may not write is left alone") {
    struct Case {
        const char* what;
        const char* actions;
        ErrorCode code;
    };
    const Case cases[] = {
        {"a newer reader protocol", R"({"protocol":{"minReaderVersion":3,"minWriterVersion":2}})",
         ErrorCode::unsupported},
        {"a newer writer protocol", R"({"protocol":{"minReaderVersion":1,"minWriterVersion":7}})",
         ErrorCode::unsupported},
        {"other partitions",
         R"({"metaData":{"schemaString":"{\"fields\":[]}","partitionColumns":["day"]}})",
         ErrorCode::unsupported},
        {"no partitions", R"({"metaData":{"schemaString":"{\"fields\":[]}"}})",
         ErrorCode::unsupported},
        {"a broken schema",
         R"({"metaData":{"schemaString":"{","partitionColumns":["receive_date"]}})",
         ErrorCode::corrupt},
        {"half a line", R"({"add":{"path":"x")", ErrorCode::corrupt},
        {"an add without a size", R"({"add":{"path":"x"}})", ErrorCode::corrupt},
        {"a list", "[]", ErrorCode::corrupt},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        Lake lake;
        lake.commit(1);
        foreign_commit(lake.store, 1, each.actions);
        CHECK(lake.error_of_reopening() == each.code);
        CHECK(lake.table.commit(commit_number(2)).error().code == each.code);
        CHECK(lake.store.list(folder + "/_delta_log").value().size() == 2);
    }
}

TEST_CASE("delta log: a log that was cut down to a checkpoint is not taken for a new table") {
    Lake lake;
    REQUIRE(lake.store.put_if_absent(log_path(12), as_bytes("{}")).ok());
    CHECK(lake.error_of_reopening() == ErrorCode::unsupported);
    CHECK_FALSE(lake.table.refresh().ok());
}

TEST_CASE("delta log: a gap is not taken for the end of the log") {
    Lake lake;
    lake.commit(1);
    REQUIRE(lake.store.put_if_absent(log_path(2), as_bytes("{}")).ok());
    CHECK(lake.error_of_reopening() == ErrorCode::corrupt);
}

TEST_CASE("delta log: what cannot be read to its end changes nothing") {
    Lake lake;
    lake.commit(1);
    foreign_commit(
        lake.store, 1,
        R"({"remove":{"path":"receive_date=2026-11-21/0-0-100-0123456789abcdef.parquet"}})"
        "\n"
        R"({"txn":{"appId":"theirs","version":"x"}})"
        "\n");
    CHECK_FALSE(lake.table.refresh().ok());
    CHECK(lake.table.state().version == 0);
    CHECK(lake.table.state().files.size() == 1);
}

TEST_CASE("delta log: a listed file is read by its decoded path, and never outside of the table") {
    Lake lake;
    lake.commit(1);
    REQUIRE(lake.store.put_if_absent(folder + "/receive_date=2026-11-21/a b%", as_bytes("x")).ok());
    struct Case {
        const char* path;
        ErrorCode code;
    };
    DataFile file;
    file.bytes = 1;
    file.path = "receive_date=2026-11-21/a%20b%25";
    CHECK(lake.table.read(file).ok());
    file.bytes = 2;
    CHECK(lake.table.read(file).error().code == ErrorCode::corrupt);
    const Case cases[] = {{"../port/x", ErrorCode::unsupported},
                          {"a/%2e%2E/x", ErrorCode::unsupported},
                          {"a/..", ErrorCode::unsupported},
                          {"/etc/passwd", ErrorCode::unsupported},
                          {"%2Fetc/passwd", ErrorCode::unsupported},
                          {"s3://bucket/x", ErrorCode::unsupported},
                          {"a%2", ErrorCode::corrupt},
                          {"a%zz", ErrorCode::corrupt},
                          {"a%00", ErrorCode::corrupt},
                          {"not-there", ErrorCode::corrupt}};
    for (const Case& each : cases) {
        CAPTURE(each.path);
        file.path = each.path;
        CHECK(lake.table.read(file).error().code == each.code);
    }
}

TEST_CASE("delta log: wherever the disk fails in a commit, a second try leaves it there once") {
    for (const bool torn : {false, true}) {
        for (std::uint64_t step = 1;; ++step) {
            CAPTURE(step, torn);
            Lake lake;
            lake.commit(1);
            std::mt19937_64 random{step};
            lake.disk.fail_after(step);
            const bool done = lake.table.commit(commit_number(2)).ok();
            lake.disk.cut_power(torn ? &random : nullptr);

            LocalStore store{lake.disk};
            REQUIRE(store.clean_up().ok());
            DeltaTable again{store, folder};
            REQUIRE(again.refresh().ok());
            if (done) CHECK(again.state().txn(app) == 200);
            REQUIRE(again.commit(commit_number(2)).ok());
            lake.disk.cut_power();
            const TableState state = lake.reopened();
            CHECK(state.version == 1);
            CHECK(state.files.size() == 2);
            CHECK(state.txn(app) == 200);
            if (done) break;
        }
    }
}
