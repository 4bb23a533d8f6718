#include "collector/lake/rewritten.hpp"

#include "collector/lake/compaction.hpp"
#include "tests/unit/collector/lake/lake_fixture.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

constexpr std::size_t speed = 7;
constexpr std::size_t note = 8;

using Edit = std::function<void(std::vector<ColumnData>&)>;

// What another program does: all rows of the table go to a file with a name of its own.
void rewrite(BusLake& lake, const std::string& name, const Edit& edit = {}) {
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    TableCommit commit;
    commit.now = fixture_now;
    commit.columns = lake.columns;
    Batch batch{lake.columns};
    for (const auto& [path, file] : table.state().files) {
        auto data = read_columns(table.read(file).value(), lake.columns).value();
        if (edit) edit(data);
        std::vector<Batch::RowPlace> rows;
        for (std::uint32_t row = 0; row < data[0].valid.size(); ++row) rows.push_back({&data, row});
        batch.append_rows(rows);
        commit.removed.push_back(path);
    }
    const auto object = lake.store.begin().value();
    const auto written = write_parquet(batch, batch.arrival_order(), *object);
    REQUIRE(written.ok());
    DataFile file;
    file.receive_date = lake.receive_date;
    file.path = "receive_date=" + lake.receive_date + "/" + name + ".parquet";
    file.bytes = written.value().bytes;
    REQUIRE(object->finish(lake.folder + "/" + file.path).ok());
    commit.files = {file};
    REQUIRE(table.commit(commit).ok());
}

RewrittenRows compare(BusLake& lake, std::size_t rows_held = rewritten_rows_held) {
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    return compare_rewritten(lake.store, table, {}, rows_held);
}

std::uint64_t changed_in(const RewrittenRows& rows) {
    std::uint64_t changed = 0;
    for (const auto& [block, count] : rows.changed) changed += count;
    return changed;
}

}  // namespace

TEST_CASE("rewritten: rows that another program has only moved are the same") {
    BusLake lake;
    lake.columns.resize(10);
    lake.fill(1, 3);
    lake.columns = bus_columns();  // the table grows; what was there is null in the new file
    lake.fill(4, 6);
    CHECK(compare(lake).same == 0);  // all files are ours
    rewrite(lake, "part-1");
    CHECK(compare(lake).same == 42);
    rewrite(lake, "part-2");  // once more, from its own file
    lake.fill(7, 8);          // and ours behind it
    for (const std::size_t rows_held : {std::size_t{1}, rewritten_rows_held}) {
        const RewrittenRows rows = compare(lake, rows_held);
        CHECK(rows.same == 42);
        CHECK(rows.unknown == 0);
        CHECK(rows.changed.empty());
        CHECK(rows.faults.empty());
    }
}

TEST_CASE("rewritten: a value that another program has changed is found, with the block's name") {
    const std::pair<const char*, Edit> edits[] = {
        {"a number",
         [](std::vector<ColumnData>& data) {
             if (data[3].integers[0] == (std::int64_t{2} << 30) + 2) data[speed].reals[1] += 0.01;
         }},
        {"a null that is none any more",
         [](std::vector<ColumnData>& data) {
             if (data[3].integers[0] == (std::int64_t{2} << 30) + 2) data[speed].valid[0] = 1;
         }},
        {"a text",
         [](std::vector<ColumnData>& data) {
             if (data[3].integers[0] == (std::int64_t{2} << 30) + 2) data[note].texts[0] = 'E';
         }},
        {"a time", [](std::vector<ColumnData>& data) {
             if (data[3].integers[0] == (std::int64_t{2} << 30) + 2) ++data[5].integers[6];
         }}};
    for (const auto& [what, edit] : edits) {
        CAPTURE(what);
        BusLake lake;
        lake.fill(1, 3);
        rewrite(lake, "part-1");
        rewrite(lake, "part-2", [&edit](std::vector<ColumnData>& data) {
            // All rows lie in one file now: the second block's are in its middle.
            std::vector<ColumnData> block(data.size());
            Batch batch{bus_columns()};
            std::vector<Batch::RowPlace> rows;
            for (std::uint32_t row = 7; row < 14; ++row) rows.push_back({&data, row});
            batch.append_rows(rows);
            for (std::size_t i = 0; i < data.size(); ++i) block[i] = batch.data(i);
            edit(block);
            data = std::move(block);
        });
        const RewrittenRows rows = compare(lake);
        REQUIRE(rows.changed.size() == 1);
        CHECK(rows.changed.begin()->first ==
              AuditedBlock{"bus-2", 7, 1, (std::int64_t{2} << 30) + 2});
        CHECK(changed_in(rows) == 1);
        CHECK(rows.same == 6);
    }
}

TEST_CASE("rewritten: rows are known as long as one file of ours that had them is there") {
    BusLake lake;
    lake.fill(1, 20);
    std::string faulty;
    {
        DeltaTable table{lake.store, lake.folder};
        REQUIRE(table.refresh().ok());
        const WallUs tomorrow{fixture_now.value + 2 * day_us};
        const auto plan = plan_compaction(table.state(), {}, tomorrow, {});
        REQUIRE(plan);
        REQUIRE(compact(lake.store, table, *plan, tomorrow, [] { return false; }, faulty).ok());
    }
    rewrite(lake, "part-1");
    const auto removed = lake.state().removed;
    REQUIRE(removed.size() == 21);
    CHECK(compare(lake).same == 140);
    // The merged one went; those that it was made of are there still, but for one.
    for (const auto& [path, file] : removed) {
        const bool merged = path.find("merged") != std::string::npos;
        if (merged || path.find("/0-0-100-") != std::string::npos)
            REQUIRE(lake.store.remove(lake.folder + "/" + path).ok());
    }
    const RewrittenRows rows = compare(lake);
    CHECK(rows.same == 19 * 7);
    CHECK(rows.unknown == 7);
    // One that is damaged says nothing.
    for (const auto& [name, file] : removed) {
        if (name.find("/0-100-200-") == std::string::npos) continue;
        auto content = lake.store.read(lake.folder + "/" + name).value();
        content[content.size() / 2] ^= std::byte{1};
        REQUIRE(lake.store.remove(lake.folder + "/" + name).ok());
        REQUIRE(lake.store.put_if_absent(lake.folder + "/" + name, content).ok());
    }
    CHECK(compare(lake).unknown == 14);
    CHECK(compare(lake).changed.empty());
}

TEST_CASE("rewritten: a column that another program has added is not compared") {
    BusLake lake;
    lake.fill(1, 2);
    lake.columns.push_back(make_column("remark", ColumnType::long_integer));
    rewrite(lake, "part-1", [](std::vector<ColumnData>& data) {
        data.back().valid.assign(data[0].valid.size(), 1);
        data.back().integers.assign(data[0].valid.size(), 5);
    });
    const RewrittenRows rows = compare(lake);
    CHECK(rows.same == 14);
    CHECK(rows.changed.empty());
}
