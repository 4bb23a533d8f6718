#include "collector/lake/compaction.hpp"

#include "collector/lake/upkeep.hpp"
#include "tests/unit/collector/lake/lake_fixture.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

constexpr WallUs tomorrow{fixture_now.value + 2 * day_us};
const StopAsked never_stop = [] { return false; };

// One round, as the upkeep does it; the error's code, or nothing when all is well.
std::optional<ErrorCode> compact_once(BusLake& lake, ObjectStore& store, WallUs now = tomorrow) {
    DeltaTable table{store, lake.folder};
    if (const Status read = table.refresh(); !read.ok()) return read.error().code;
    const auto plan = plan_compaction(table.state(), {}, now, {});
    if (!plan) return ErrorCode::not_found;
    std::string faulty;
    const auto made = compact(store, table, *plan, now, never_stop, faulty);
    if (!made.ok()) return made.error().code;
    return std::nullopt;
}

std::vector<DataFile> some_files(std::initializer_list<std::uint64_t> sizes, const char* date,
                                 bool late = false) {
    std::vector<DataFile> files;
    for (const std::uint64_t bytes : sizes) {
        DataFile file;
        file.receive_date = date;
        file.bytes = bytes;
        file.path =
            data_file_path(date, (late ? "late-0-0-" : "0-0-") + std::to_string(files.size()) + "",
                           sha256(as_bytes(std::to_string(bytes) + std::to_string(files.size()))));
        files.push_back(file);
    }
    return files;
}

}  // namespace

TEST_CASE("compaction: the rows stay what they were, in one file, sorted, with statistics") {
    BusLake lake;
    lake.columns.resize(10);
    lake.fill(1, 5);
    lake.columns = bus_columns();  // the table grows
    lake.fill(6, 9, 40);
    const auto before = rows_of(lake.store, lake.folder);
    CHECK(before.size() == 5 * 7 + 4 * 40);
    REQUIRE(compact_once(lake, lake.store) == std::nullopt);
    CHECK(rows_of(lake.store, lake.folder) == before);

    const TableState state = lake.state();
    REQUIRE(state.files.size() == 1);
    const DataFile& file = state.files.begin()->second;
    CHECK(file.path.starts_with("receive_date=2026-11-21/merged-"));
    CHECK(file.rows == before.size());
    CHECK(state.removed.size() == 9);
    CHECK(state.txn(lake.app) == 900);
    CHECK(file.stats.find(R"("minValues":{"device":"bus-0",)") != std::string::npos);
    CHECK(file.stats.find(R"("nullCount":{"device":0,)") != std::string::npos);
    const auto content = lake.store.read(lake.folder + "/" + file.path);
    const auto data = read_columns(content.value(), {state.columns[0], state.columns[5]});
    for (std::size_t row = 1; row < before.size(); ++row) {
        const int by_device = data.value()[0].text(row - 1).compare(data.value()[0].text(row));
        CHECK((by_device < 0 || (by_device == 0 && data.value()[1].integers[row - 1] <=
                                                       data.value()[1].integers[row])));
    }
    CHECK(compact_once(lake, lake.store) == ErrorCode::not_found);  // nothing is left to do
}

TEST_CASE("compaction: wherever the disk fails, each row stands there once") {
    for (const bool torn : {false, true}) {
        for (std::uint64_t step = 1;; ++step) {
            CAPTURE(step, torn);
            BusLake lake;
            lake.fill(1, 4);
            const auto before = rows_of(lake.store, lake.folder);
            std::mt19937_64 random{step};
            lake.disk.fail_after(step);
            const bool done = compact_once(lake, lake.store) == std::nullopt;
            lake.disk.cut_power(torn ? &random : nullptr);

            LocalStore store{lake.disk};
            REQUIRE(store.clean_up().ok());
            CHECK(rows_of(store, lake.folder) == before);
            const auto again = compact_once(lake, store);
            CHECK((again == std::nullopt || again == ErrorCode::not_found));
            lake.disk.cut_power();
            CHECK(rows_of(store, lake.folder) == before);
            CHECK(lake.state().files.size() == 1);
            if (done) break;
        }
    }
}

TEST_CASE("compaction: gives up when somebody else has changed one of its files meanwhile") {
    BusLake lake;
    lake.fill(1, 4);
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    const auto plan = plan_compaction(table.state(), {}, tomorrow, {});
    REQUIRE(plan);
    // Another program compacts them with one more, and ours goes on with what it knew.
    lake.fill(5, 5);
    REQUIRE(compact_once(lake, lake.store) == std::nullopt);
    const auto before = rows_of(lake.store, lake.folder);
    std::string faulty;
    const auto refused = compact(lake.store, table, *plan, tomorrow, never_stop, faulty);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::out_of_order);
    CHECK(rows_of(lake.store, lake.folder) == before);
}

TEST_CASE("compaction: finds its own commit when nobody has told what became of it") {
    BusLake lake;
    lake.fill(1, 4);
    const auto before = rows_of(lake.store, lake.folder);
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    const auto plan = plan_compaction(table.state(), {}, tomorrow, {});
    REQUIRE(plan);
    REQUIRE(compact_once(lake, lake.store) == std::nullopt);
    const std::int64_t version = lake.state().version;
    std::string faulty;
    REQUIRE(compact(lake.store, table, *plan, tomorrow, never_stop, faulty).ok());
    CHECK(lake.state().version == version);
    CHECK(rows_of(lake.store, lake.folder) == before);
}

TEST_CASE("compaction: a file with other rows than it was made of is not let in") {
    BusLake lake;
    lake.fill(1, 3);
    // The log says of one that it has a row more than it has, so what is merged lacks it.
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    TableCommit commit = lake.commit_of(4);
    commit.files[0].stats.replace(commit.files[0].stats.find("\"numRecords\":7"), 14,
                                  "\"numRecords\":8");
    REQUIRE(table.commit(commit).ok());
    const auto plan = plan_compaction(table.state(), {}, tomorrow, {});
    REQUIRE(plan);
    REQUIRE(plan->inputs.size() == 4);
    std::string faulty;
    const auto refused = compact(lake.store, table, *plan, tomorrow, never_stop, faulty);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::io);
    CHECK(to_string(refused.error()).find("the rows that it was made of") != std::string::npos);
    CHECK(faulty.empty());

    const TableState after = lake.state();
    CHECK(after.version == table.state().version);
    CHECK(after.files.size() == 4);
    // Nothing but the four is there any more.
    const auto there = lake.store.list(lake.folder + "/receive_date=" + lake.receive_date);
    CHECK(there.value().size() == 4);
    CHECK(lake.store.list("_unfinished").value().empty());

    Upkeep::Note told;
    Upkeep upkeep{lake.store, {}, {never_stop, [&](const Upkeep::Note& note) { told = note; }}};
    upkeep.look_after(lake.folder, Upkeep::compacting, tomorrow);
    CHECK(upkeep.counters().failures == 1);
    CHECK(upkeep.counters().compactions == 0);
    CHECK(told.problem);
    CHECK(told.text.find("files were not merged") == 0);
}

TEST_CASE("compaction: an append in between costs a retry") {
    BusLake lake;
    lake.fill(1, 4);
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    const auto plan = plan_compaction(table.state(), {}, tomorrow, {});
    lake.fill(5, 6);
    const auto before = rows_of(lake.store, lake.folder);
    std::string faulty;
    REQUIRE(compact(lake.store, table, *plan, tomorrow, never_stop, faulty).ok());
    CHECK(rows_of(lake.store, lake.folder) == before);
    CHECK(lake.state().files.size() == 3);
    CHECK(lake.state().version == 6);
}

TEST_CASE("compaction: a damaged file is named, and stays as it is") {
    BusLake lake;
    lake.fill(1, 4);
    const std::string path = std::next(lake.state().files.begin())->first;
    lake.disk.flip(lake.folder + "/" + path, 100, std::byte{16});
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    const auto plan = plan_compaction(table.state(), {}, tomorrow, {});
    std::string faulty;
    const auto refused = compact(lake.store, table, *plan, tomorrow, never_stop, faulty);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::corrupt);
    CHECK(faulty == path);
    CHECK(lake.state().version == 3);
    const auto without = plan_compaction(table.state(), {}, tomorrow, {faulty});
    REQUIRE(without);
    CHECK(without->inputs.size() == 3);
}

TEST_CASE("compaction: files with columns that are not ours are left alone") {
    BusLake lake;
    lake.fill(1, 2);
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    std::vector<std::vector<std::byte>> inputs{
        lake.store.read(lake.folder + "/" + table.state().files.begin()->first).value()};
    auto object = lake.store.begin();
    std::vector<Column> fewer = bus_columns();
    fewer.pop_back();
    CHECK(merge_files(inputs, fewer, *object.value(), never_stop).error().code ==
          ErrorCode::unsupported);
    fewer.push_back(make_column("open", ColumnType::string));
    CHECK(merge_files(inputs, fewer, *object.value(), never_stop).error().code ==
          ErrorCode::unsupported);
}

TEST_CASE("compaction: can be asked to stop, and leaves nothing behind") {
    BusLake lake;
    lake.fill(1, 4);
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    const auto plan = plan_compaction(table.state(), {}, tomorrow, {});
    std::string faulty;
    CHECK(compact(
              lake.store, table, *plan, tomorrow, [] { return true; }, faulty)
              .error()
              .code == ErrorCode::closed);
    CHECK(lake.store.list("_unfinished").value().empty());
    CHECK(lake.state().files.size() == 4);
}

TEST_CASE("compaction: which files are worth it") {
    constexpr std::uint64_t mib = 1 << 20;
    struct Case {
        const char* what;
        std::vector<DataFile> files;
        WallUs now;
        std::size_t inputs;
    };
    const Case cases[] = {
        {"a day that is over, two files", some_files({mib, 9 * mib}, "2026-11-21"), tomorrow, 2},
        {"a day that is over, one file", some_files({mib}, "2026-11-21"), tomorrow, 0},
        {"today, few files", some_files({mib, mib, mib}, "2026-11-21"), fixture_now, 0},
        {"today, many files and a large one, which is left",
         some_files({mib, mib, mib, mib, mib, mib, mib, mib, mib, mib, mib, mib, mib, mib, mib, mib,
                     90 * mib},
                    "2026-11-21"),
         fixture_now, 16},
        {"more than the target together",
         some_files({100 * mib, 110 * mib, 120 * mib}, "2026-11-21"), tomorrow, 2},
        {"large ones", some_files({130 * mib, 200 * mib}, "2026-11-21"), tomorrow, 0},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        TableState state;
        for (const DataFile& file : each.files) state.files[file.path] = file;
        const auto plan = plan_compaction(state, {}, each.now, {});
        CHECK((plan ? plan->inputs.size() : 0) == each.inputs);
    }
    TableState state;
    for (const DataFile& file : some_files({1, 2}, "2026-11-21")) state.files[file.path] = file;
    for (const DataFile& file : some_files({3, 4}, "2026-11-21", true))
        state.files[file.path] = file;
    DataFile theirs;
    theirs.path = "receive_date=2026-11-21/part-00001-4711.zstd.parquet";
    theirs.receive_date = "2026-11-21";
    state.files[theirs.path] = theirs;
    const auto plan = plan_compaction(state, {}, tomorrow, {});
    REQUIRE(plan);
    CHECK(plan->inputs.size() == 2);  // late ones by themselves, those of others not at all
    CHECK_FALSE(plan->late);
}
