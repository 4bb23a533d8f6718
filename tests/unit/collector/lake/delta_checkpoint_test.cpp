#include "collector/lake/delta_checkpoint.hpp"

#include "tests/unit/collector/lake/lake_fixture.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

void checkpoint(BusLake& lake, std::int64_t forget_until_ms = 0) {
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    REQUIRE(table.write_checkpoint(forget_until_ms).ok());
}

// One that reads another checkpoint than it wrote.
struct AnsweringStore final : ObjectStore {
    explicit AnsweringStore(LocalStore& real) : real_{real} {}
    Result<std::vector<std::byte>> read(std::string_view path) override {
        const bool mine = !answer.empty() && path.find(".checkpoint.") != std::string_view::npos;
        asked += mine ? 1 : 0;
        return mine ? answer : real_.read(path);
    }
    Status put_if_absent(std::string_view path, Bytes bytes) override {
        return real_.put_if_absent(path, bytes);
    }
    Result<std::unique_ptr<ObjectWriter>> begin() override { return real_.begin(); }
    Result<std::vector<std::string>> list(std::string_view folder) override {
        return real_.list(folder);
    }
    Result<std::vector<StoredObject>> entries(std::string_view folder) override {
        return real_.entries(folder);
    }
    Status remove(std::string_view path) override { return real_.remove(path); }
    Status make_durable(std::string_view folder) override { return real_.make_durable(folder); }
    Status replace(std::string_view path, Bytes bytes) override {
        return real_.replace(path, bytes);
    }
    std::vector<std::byte> answer;
    int asked = 0;

 private:
    LocalStore& real_;
};

bool same(const TableState& a, const TableState& b) {
    return a.version == b.version && a.txns == b.txns && a.files == b.files &&
           a.columns == b.columns && a.removed.size() == b.removed.size();
}

void remove_first_file(BusLake& lake) {
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    TableCommit commit;
    commit.operation = "DELETE";
    commit.removed = {table.state().files.begin()->first};
    commit.now = fixture_now;
    REQUIRE(table.commit(commit).ok());
}

}  // namespace

TEST_CASE("checkpoint: says what the log said, and is read instead of it") {
    BusLake lake;
    lake.fill(1, 12);
    remove_first_file(lake);
    const TableState before = lake.state();
    CHECK(before.removed.size() == 1);
    checkpoint(lake);
    // Nothing below it is needed any more.
    for (int version = 0; version <= 12; ++version)
        REQUIRE(lake.disk.remove(lake.log_path(commit_name(version))).ok());
    CHECK(same(lake.state(), before));
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    CHECK(table.checkpoint() == 12);
    CHECK(table.state().metadata.find("enableExpiredLogCleanup") != std::string::npos);
    CHECK(table.state().files.begin()->second.rows == 7);
}

TEST_CASE("checkpoint: who needs no files does not read them") {
    BusLake lake;
    lake.fill(1, 5);
    checkpoint(lake);
    lake.fill(6, 7);
    DeltaTable table{lake.store, lake.folder, DeltaTable::Keep::no_files};
    REQUIRE(table.refresh().ok());
    CHECK(table.state().version == 6);
    CHECK(table.state().files.empty());
    CHECK(table.state().txn(lake.app) == 700);
    CHECK(table.state().columns == lake.columns);
}

TEST_CASE("checkpoint: what was removed long ago is left out") {
    BusLake lake;
    lake.fill(1, 3);
    remove_first_file(lake);
    checkpoint(lake, fixture_now.value / 1000);
    CHECK(lake.state().removed.empty());
    CHECK(lake.state().files.size() == 2);
}

TEST_CASE("checkpoint: each byte of it that flips is noticed, and the log is read from elsewhere") {
    BusLake lake;
    lake.fill(1, 3);
    checkpoint(lake);
    lake.fill(4, 4);
    checkpoint(lake);
    lake.fill(5, 5);
    const TableState whole = lake.state();
    const std::string path = lake.log_path(checkpoint_name(3));
    const auto file = lake.store.read(path);
    REQUIRE(file.ok());
    REQUIRE(read_checkpoint(file.value(), true).ok());
    for (std::size_t at = 0; at < file.value().size(); ++at) {
        CAPTURE(at);
        std::vector<std::byte> bent = file.value();
        bent[at] ^= std::byte{1} << (at % 8);
        const auto read = read_checkpoint(bent, true);
        REQUIRE_FALSE(read.ok());
        CHECK(read.error().code == ErrorCode::corrupt);
    }
    lake.disk.flip(path, file.value().size() / 2, std::byte{4});
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    CHECK(table.checkpoint() == 2);
    CHECK(table.damaged_checkpoints() == std::vector<std::string>{checkpoint_name(3)});
    CHECK(same(table.state(), whole));

    // Without any, from the first commit.
    lake.disk.flip(lake.log_path(checkpoint_name(2)), 100, std::byte{4});
    CHECK(same(lake.state(), whole));
    // And without that, not at all.
    REQUIRE(lake.disk.remove(lake.log_path(commit_name(0))).ok());
    DeltaTable lost{lake.store, lake.folder};
    const Status refused = lost.refresh();
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::corrupt);
    CHECK(lost.faulty() == "_delta_log/" + checkpoint_name(3));
}

TEST_CASE("commit: each byte of it that flips is noticed, and says where") {
    BusLake lake;
    lake.fill(1, 2);
    const auto file = lake.store.read(lake.log_path(commit_name(1)));
    REQUIRE(file.ok());
    for (std::size_t at = 0; at < file.value().size(); ++at) {
        CAPTURE(at);
        const std::byte mask = std::byte{1} << (at % 8);
        lake.disk.flip(lake.log_path(commit_name(1)), at, mask);
        DeltaTable table{lake.store, lake.folder};
        const Status read = table.refresh();
        REQUIRE_FALSE(read.ok());
        CHECK(read.error().code == ErrorCode::corrupt);
        CHECK(table.faulty() == "_delta_log/" + commit_name(1));
        CHECK(table.state().version == 0);
        lake.disk.flip(lake.log_path(commit_name(1)), at, mask);
    }
    CHECK(lake.state().version == 1);
}

TEST_CASE("commit: a writer that slept while the log was cut does not commit into the past") {
    BusLake lake;
    lake.fill(1, 2);
    DeltaTable sleeper{lake.store, lake.folder, DeltaTable::Keep::no_files};
    REQUIRE(sleeper.refresh().ok());
    lake.fill(3, 9);
    checkpoint(lake);
    const TableState whole = lake.state();
    for (int version = 0; version < 8; ++version)
        REQUIRE(lake.disk.remove(lake.log_path(commit_name(version))).ok());

    const Status refused = sleeper.commit(lake.commit_of(3));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::denied);
    CHECK(same(lake.state(), whole));

    // Nor one that knew the table when there was none.
    DeltaTable newborn{lake.store, "acme/tram", DeltaTable::Keep::no_files};
    REQUIRE(newborn.refresh().ok());
    lake.folder = "acme/tram";
    lake.fill(1, 9);
    checkpoint(lake);
    for (int version = 0; version < 8; ++version)
        REQUIRE(lake.disk.remove(lake.log_path(commit_name(version))).ok());
    CHECK(newborn.commit(lake.commit_of(1)).error().code == ErrorCode::denied);
}

TEST_CASE("commit: a writer that had nothing for a table while its log was cut goes on behind it") {
    BusLake lake;
    lake.fill(1, 2);
    DeltaTable quiet{lake.store, lake.folder, DeltaTable::Keep::no_files};
    REQUIRE(quiet.refresh().ok());
    // Others have committed, and none of them rows of this journal.
    const std::string app = std::exchange(lake.app, "another program");
    lake.fill(3, 9);
    checkpoint(lake);
    for (int version = 0; version < 8; ++version)
        REQUIRE(lake.disk.remove(lake.log_path(commit_name(version))).ok());
    lake.app = app;
    REQUIRE(quiet.commit(lake.commit_of(10)).ok());
    CHECK(lake.state().version == 9);
    CHECK(lake.state().txn(app) == 1000);
    CHECK(lake.state().files.size() == 10);
    CHECK(lake.store.list(lake.folder + "/_delta_log").value().size() == 4);
}

TEST_CASE("checkpoint: one that does not say what the log says goes, and none is told of") {
    BusLake lake;
    lake.columns.resize(10);
    lake.fill(1, 2);
    const std::string older_metadata = lake.state().metadata;
    lake.columns = bus_columns();  // the table grows
    lake.fill(3, 3);
    const TableState good = lake.state();
    TableState less_files = good;
    less_files.files.erase(less_files.files.begin());
    TableState other_rows = good;
    other_rows.files.begin()->second.stats = R"({"numRecords":8})";
    TableState other_txn = good;
    other_txn.txns.begin()->second += 100;
    TableState less_columns = good;
    less_columns.metadata = older_metadata;
    for (const TableState& other : {less_files, other_rows, other_txn, less_columns}) {
        AnsweringStore store{lake.store};
        DeltaTable table{store, lake.folder};
        REQUIRE(table.refresh().ok());
        store.answer = write_checkpoint(other, 0).value().file;
        const Status written = table.write_checkpoint(0);
        REQUIRE_FALSE(written.ok());
        CHECK(written.error().code == ErrorCode::corrupt);
        CHECK(store.asked == 1);
        CHECK(table.checkpoint() == -1);
        const auto names = lake.store.list(lake.folder + "/_delta_log");
        for (const std::string& name : names.value())
            CHECK(name.find("checkpoint") == std::string::npos);
        CHECK(lake.state().files == good.files);
    }
    // And one that is what it should be stays.
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    REQUIRE(table.write_checkpoint(0).ok());
    CHECK(table.checkpoint() == good.version);
}

TEST_CASE("checkpoint: wherever the disk fails in writing one, the table reads as before") {
    for (const bool torn : {false, true}) {
        for (std::uint64_t step = 1;; ++step) {
            CAPTURE(step, torn);
            BusLake lake;
            lake.fill(1, 3);
            const TableState before = lake.state();
            std::mt19937_64 random{step};
            DeltaTable table{lake.store, lake.folder};
            REQUIRE(table.refresh().ok());
            lake.disk.fail_after(step);
            const bool done = table.write_checkpoint(0).ok();
            lake.disk.cut_power(torn ? &random : nullptr);
            CHECK(same(lake.state(), before));
            checkpoint(lake);
            lake.disk.cut_power();
            CHECK(same(lake.state(), before));
            if (done) break;
        }
    }
}
