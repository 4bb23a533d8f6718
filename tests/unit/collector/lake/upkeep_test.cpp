#include "collector/lake/upkeep.hpp"

#include <set>

#include "collector/lake/retention.hpp"
#include "collector/lake/state_table.hpp"
#include "tests/unit/collector/lake/lake_fixture.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

WallUs days_later(std::int64_t days) { return {fixture_now.value + days * day_us}; }

UpkeepCounters look_after(BusLake& lake, ObjectStore& store, WallUs now,
                          unsigned work = Upkeep::all_work, UpkeepSettings settings = {}) {
    lake.disk.set_time(now);
    Upkeep upkeep{store, settings, {}};
    upkeep.look_after_all(work, now);
    return upkeep.counters();
}

std::set<std::string> log_names(BusLake& lake) {
    const auto names = lake.store.list(lake.folder + "/_delta_log");
    REQUIRE(names.ok());
    return {names.value().begin(), names.value().end()};
}

bool has_file(BusLake& lake, const std::string& path) {
    return lake.store.read(lake.folder + "/" + path).ok();
}

}  // namespace

TEST_CASE("upkeep: a long log gets checkpoints, is cut below an old one, and no row is lost") {
    BusLake lake;
    lake.columns.resize(10);
    lake.fill(1, 130, 2);
    CHECK(look_after(lake, lake.store, days_later(0)).checkpoints == 1);
    lake.columns = bus_columns();  // the table grows
    lake.fill(131, 260, 2);
    CHECK(look_after(lake, lake.store, days_later(0)).checkpoints == 1);
    const auto before = rows_of(lake.store, lake.folder);
    CHECK(before.size() == 520);
    CHECK(log_names(lake).contains(commit_name(0)));

    // Six days later everything is there; then what was merged and what lies below the checkpoint
    // goes.
    CHECK(look_after(lake, lake.store, days_later(6)).removed_files == 0);
    const UpkeepCounters later = look_after(lake, lake.store, days_later(14));
    CHECK(later.failures == 0);
    CHECK(later.removed_files >= 260);
    CHECK(later.removed_commits > 100);
    CHECK_FALSE(log_names(lake).contains(commit_name(0)));
    CHECK(rows_of(lake.store, lake.folder) == before);
    CHECK(lake.state().files.size() == 1);
    lake.fill(261, 262, 2);
    CHECK(rows_of(lake.store, lake.folder).size() == 524);
    // A writer goes on from there as well.
    DeltaTable table{lake.store, lake.folder, DeltaTable::Keep::no_files};
    REQUIRE(table.refresh().ok());
    CHECK(table.state().txn(lake.app) == 26'200);
}

TEST_CASE("upkeep: files that no commit lists go when they are old, if they are ours") {
    BusLake lake;
    lake.fill(1, 1);
    const DataFile orphan = lake.write(2, 3, lake.store);
    const std::string theirs = "receive_date=2026-11-21/part-00000-4711.parquet";
    REQUIRE(lake.store.put_if_absent(lake.folder + "/" + theirs, as_bytes("x")).ok());
    look_after(lake, lake.store, days_later(6));
    CHECK(has_file(lake, orphan.path));
    CHECK(look_after(lake, lake.store, days_later(8)).removed_files == 1);
    CHECK_FALSE(has_file(lake, orphan.path));
    CHECK(has_file(lake, theirs));
    CHECK(rows_of(lake.store, lake.folder).size() == 7);

    // One that a writer has just written once more is young.
    const DataFile first = lake.write(3, 3, lake.store);
    lake.disk.set_time(days_later(30));
    REQUIRE(lake.write(3, 3, lake.store).path == first.path);
    CHECK(look_after(lake, lake.store, days_later(31)).removed_files == 0);
}

TEST_CASE("upkeep: a damaged checkpoint is told of and followed by a new one") {
    BusLake lake;
    lake.fill(1, 101, 1);
    look_after(lake, lake.store, days_later(0), Upkeep::compacting);
    lake.fill(102, 205, 1);
    look_after(lake, lake.store, days_later(0), Upkeep::compacting);
    const auto names = log_names(lake);
    std::string newest;
    for (const std::string& name : names)
        if (checkpoint_version(name) >= 0) newest = name;
    lake.disk.flip(lake.log_path(newest), 200, std::byte{1});
    const auto before = rows_of(lake.store, lake.folder);
    std::vector<std::string> told;
    Upkeep upkeep{lake.store,
                  {},
                  {[] { return false; },
                   [&told](const Upkeep::Note& note) {
                       if (note.problem) told.push_back(note.text);
                   }}};
    upkeep.look_after_all(Upkeep::all_work, days_later(0));
    REQUIRE(told.size() == 1);
    CHECK(told[0] == newest + " is damaged; the log was read from elsewhere");
    CHECK(upkeep.counters().checkpoints == 1);
    CHECK(rows_of(lake.store, lake.folder) == before);
}

TEST_CASE("upkeep: the log is not cut when the checkpoint that would be its beginning is damaged") {
    BusLake lake;
    lake.fill(1, 101, 1);
    look_after(lake, lake.store, days_later(0), Upkeep::compacting);
    std::string oldest;
    for (const std::string& name : log_names(lake))
        if (checkpoint_version(name) >= 0) oldest = name;
    lake.disk.flip(lake.log_path(oldest), 200, std::byte{1});
    lake.fill(102, 205, 1);
    const auto before = rows_of(lake.store, lake.folder);
    look_after(lake, lake.store, days_later(20));
    CHECK(log_names(lake).contains(commit_name(0)));
    CHECK(rows_of(lake.store, lake.folder) == before);
}

TEST_CASE(
    "upkeep: wherever the disk fails, each row stands there once, and the next pass is done") {
    for (std::uint64_t step = 1;; ++step) {
        const bool torn = step % 2 == 0;
        CAPTURE(step, torn);
        BusLake lake;
        lake.columns.resize(10);
        UpkeepSettings settings;
        settings.checkpoint_commits = 2;
        lake.fill(1, 2, 1);
        look_after(lake, lake.store, days_later(0), Upkeep::all_work, settings);
        (void)lake.write(9, 1, lake.store);  // of no commit
        lake.fill(5, 6, 1);
        look_after(lake, lake.store, days_later(2), Upkeep::compacting, settings);
        lake.fill(10, 11, 1);
        const auto before = rows_of(lake.store, lake.folder);
        std::mt19937_64 random{step};
        lake.disk.fail_after(step);
        const auto counters =
            look_after(lake, lake.store, days_later(12), Upkeep::all_work, settings);
        const bool done = !lake.disk.failed();
        CHECK((done || counters.failures > 0));
        lake.disk.cut_power(torn ? &random : nullptr);

        LocalStore store{lake.disk};
        REQUIRE(store.clean_up().ok());
        CHECK(rows_of(store, lake.folder) == before);
        CHECK(look_after(lake, store, days_later(12), Upkeep::all_work, settings).failures == 0);
        CHECK(rows_of(store, lake.folder) == before);
        CHECK(lake.state().files.size() == 1);
        if (done) break;
    }
}

namespace {

// The totals of `_expired`: what stands in its rows, each different one once.
std::set<std::vector<std::string>> totals_of(ObjectStore& store) {
    std::set<std::vector<std::string>> totals;
    DeltaTable table{store, "acme/_expired"};
    REQUIRE(table.refresh().ok());
    for (const auto& [path, file] : table.state().files) {
        const auto content = table.read(file);
        REQUIRE(content.ok());
        REQUIRE(read_text_rows(
                    content.value(),
                    {"device", "incarnation", "epoch", "of_table", "first_seq", "last_seq", "rows"},
                    [&totals](const auto& row) { totals.insert(row); })
                    .ok());
    }
    return totals;
}

const std::set<std::vector<std::string>> totals_of_six{
    {"bus-0", "7", "1", "bus", "2147483651", "2147483651", "2"},
    {"bus-0", "7", "1", "bus", "2147483654", "2147483654", "2"},
    {"bus-1", "7", "1", "bus", "2147483649", "2147483649", "2"},
    {"bus-1", "7", "1", "bus", "2147483652", "2147483652", "2"},
    {"bus-2", "7", "1", "bus", "2147483650", "2147483650", "2"},
    {"bus-2", "7", "1", "bus", "2147483653", "2147483653", "2"}};

}  // namespace

TEST_CASE("upkeep: rows that are too old go by partition, and what they were is kept") {
    BusLake lake;
    lake.fill(1, 6, 2);
    lake.receive_date = "2026-11-22";
    lake.fill(7, 8, 2);
    CHECK(look_after(lake, lake.store, days_later(730)).expired_rows == 0);
    const UpkeepCounters counters = look_after(lake, lake.store, days_later(731));
    CHECK(counters.expired_rows == 12);
    CHECK(counters.failures == 0);
    CHECK(rows_of(lake.store, lake.folder).size() == 4);
    CHECK(totals_of(lake.store) == totals_of_six);
    CHECK(lake.state().txn(lake.app) == 800);
    // The files themselves go like all others that the table has no more.
    UpkeepSettings for_ever;
    for_ever.retention_days = 0;
    look_after(lake, lake.store, days_later(740), Upkeep::cleaning, for_ever);
    CHECK(lake.store.list(lake.folder + "/receive_date=2026-11-21").value().empty());
    CHECK(look_after(lake, lake.store, days_later(9000), Upkeep::all_work, for_ever).expired_rows ==
          0);
    CHECK(totals_of(lake.store) == totals_of_six);
}

TEST_CASE("upkeep: wherever the disk fails, rows that expire leave their totals, once") {
    for (const bool torn : {false, true}) {
        for (std::uint64_t step = 1;; ++step) {
            CAPTURE(step, torn);
            BusLake lake;
            lake.fill(1, 6, 2);
            const auto before = rows_of(lake.store, lake.folder);
            std::mt19937_64 random{step};
            lake.disk.fail_after(step);
            look_after(lake, lake.store, days_later(731), Upkeep::cleaning);
            const bool done = !lake.disk.failed();
            lake.disk.cut_power(torn ? &random : nullptr);

            LocalStore store{lake.disk};
            REQUIRE(store.clean_up().ok());
            const auto after = rows_of(store, lake.folder);
            CHECK((after == before || after.empty()));
            if (after.empty()) CHECK(totals_of(store) == totals_of_six);
            CHECK(look_after(lake, store, days_later(731), Upkeep::cleaning).failures == 0);
            CHECK(rows_of(store, lake.folder).empty());
            CHECK(totals_of(store) == totals_of_six);
            DeltaTable expired{store, "acme/_expired"};
            REQUIRE(expired.refresh().ok());
            CHECK(expired.state().files.size() == 1);
            if (done) break;
        }
    }
}

TEST_CASE("upkeep: what a state table had before goes after two hours") {
    sim::SimDisk disk;
    LocalStore store{disk};
    const auto later = [](std::int64_t minutes) {
        return WallUs{fixture_now.value + minutes * 60'000'000};
    };
    const auto replace = [&](const char* device, WallUs now) {
        disk.set_time(now);
        Batch batch{{make_column("device", ColumnType::string)}};
        if (*device != '\0') {
            batch.begin_row();
            batch.put_text(0, device);
            batch.end_row();
        }
        DeltaTable table{store, "acme/_gaps"};
        REQUIRE(table.refresh().ok());
        REQUIRE(replace_rows(store, table, batch, "gaps", now).ok());
        REQUIRE(table.state().files.size() <= 1);
        return table.state().files.empty() ? "" : table.state().files.begin()->first;
    };
    const auto clean = [&](WallUs now) {
        disk.set_time(now);
        Upkeep upkeep{store, {}, {}};
        upkeep.look_after_all(Upkeep::all_work, now);
        CHECK(upkeep.counters().failures == 0);
        return upkeep.counters().removed_files;
    };
    const auto is_there = [&](const std::string& path) {
        return store.read("acme/_gaps/" + path).ok();
    };
    CHECK(replace("", later(0)).empty());
    CHECK(store.entries("acme").value().empty());  // nothing to say, no table
    const std::string first = replace("one", later(0));
    const std::string second = replace("two", later(10));
    CHECK(clean(later(100)) == 0);
    CHECK(is_there(first));
    CHECK(clean(later(131)) == 1);
    CHECK_FALSE(is_there(first));
    CHECK(is_there(second));
    CHECK(replace("", later(140)).empty());
    CHECK(clean(later(300)) == 1);
    CHECK_FALSE(is_there(second));
}

TEST_CASE("retention: a day with more blocks than fit into memory goes by groups of devices") {
    BusLake lake;
    lake.fill(1, 6, 2);
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    const auto gone = expire(lake.store, table, lake.receive_date, days_later(731), nobody_asks, 2);
    REQUIRE(gone.ok());
    CHECK(gone.value().rows == 12);
    CHECK(totals_of(lake.store) == totals_of_six);
    DeltaTable expired{lake.store, "acme/_expired"};
    REQUIRE(expired.refresh().ok());
    CHECK(expired.state().files.size() > 1);
    CHECK(expired.state().version == 0);  // all in one commit
}

// What was counted and is not gone yet is known by the log, not by files, which others may merge.
TEST_CASE("retention: what an end between count and removal left is not counted again") {
    bool between = false;
    for (std::uint64_t step = 1; !between; ++step) {
        CAPTURE(step);
        REQUIRE(step < 1000);
        BusLake lake;
        lake.fill(1, 6, 2);
        const auto before = rows_of(lake.store, lake.folder);
        lake.disk.fail_after(step);
        look_after(lake, lake.store, days_later(731), Upkeep::cleaning);
        lake.disk.cut_power();
        LocalStore store{lake.disk};
        REQUIRE(store.clean_up().ok());
        DeltaTable expired{store, "acme/_expired"};
        REQUIRE(expired.refresh().ok());
        between = !expired.state().files.empty() && rows_of(store, lake.folder) == before;
        if (!between) continue;

        // Somebody merges both tables.
        const DataFile old = expired.state().files.begin()->second;
        TableCommit merged;
        merged.operation = "OPTIMIZE";
        merged.removed = {old.path};
        merged.files = {old};
        merged.files[0].path = "receive_date=" + lake.receive_date + "/part-0.parquet";
        merged.columns = expired_columns();
        const auto content = expired.read(old);
        REQUIRE(content.ok());
        REQUIRE(store.put_if_absent("acme/_expired/" + merged.files[0].path, content.value()).ok());
        REQUIRE(expired.commit(merged).ok());
        UpkeepSettings settings;
        settings.retention_days = 0;
        CHECK(look_after(lake, store, days_later(731), Upkeep::compacting, settings).compactions ==
              1);
        CHECK(look_after(lake, store, days_later(731), Upkeep::cleaning).failures == 0);
        CHECK(rows_of(store, lake.folder).empty());
        CHECK(totals_of(store) == totals_of_six);
        REQUIRE(expired.refresh().ok());
        CHECK(expired.state().files.size() == 1);
        // More of that day, which others have put back, is counted anew.
        lake.fill(7, 7, 2);
        CHECK(look_after(lake, store, days_later(732), Upkeep::cleaning).expired_rows == 2);
        CHECK(totals_of(store).size() == 7);
    }
}

TEST_CASE("retention: rows that others have added go with their day, and are in no account") {
    BusLake lake;
    lake.fill(1, 6, 2);
    Batch of_others{lake.columns};
    for (const std::int64_t seq : {std::int64_t{-1}, INT64_MAX, std::int64_t{1} << 32}) {
        of_others.begin_row();
        of_others.put_text(0, "bus-0");
        for (std::size_t at = 1; at < 7; ++at) of_others.put_integer(at, at == 3 ? seq : 1);
        of_others.end_row();
    }
    of_others.begin_row();
    of_others.end_row();  // nothing but nulls
    auto object = lake.store.begin();
    const auto written = write_parquet(of_others, of_others.arrival_order(), *object.value());
    REQUIRE(written.ok());
    TableCommit commit;
    commit.files = {{}};
    commit.files[0].receive_date = lake.receive_date;
    commit.files[0].path = "receive_date=" + lake.receive_date + "/part-0.parquet";
    commit.files[0].bytes = written.value().bytes;
    REQUIRE(object.value()->finish(lake.folder + "/" + commit.files[0].path).ok());
    commit.columns = lake.columns;
    commit.txns = {{"another program", 1}};
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.commit(commit).ok());
    CHECK(look_after(lake, lake.store, days_later(731), Upkeep::cleaning).failures == 0);
    CHECK(rows_of(lake.store, lake.folder).empty());
    CHECK(totals_of(lake.store) == totals_of_six);
}
