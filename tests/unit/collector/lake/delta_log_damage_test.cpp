// Logs that are damaged, cut, or not ours to write.
#include "tests/unit/collector/lake/delta_log_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

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
