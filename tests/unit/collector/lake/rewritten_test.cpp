#include "collector/lake/rewritten.hpp"

#include <sys/resource.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <limits>

#include "collector/lake/compaction.hpp"
#include "collector/lake/delta_schema.hpp"
#include "collector/lake/row_sum.hpp"
#include "common/block/limits.hpp"
#include "tests/unit/collector/lake/lake_fixture.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

constexpr std::size_t speed = 7;
constexpr std::size_t note = 8;

using Edit = std::function<void(std::vector<ColumnData>&)>;

// What another program does: all rows of the table go to a file with a name of its own. `schema`:
// what the table says then of its columns, when it says something else.
struct Rewrite {
    Edit edit;
    std::vector<Column> schema;
    bool without_day = false;
};

// A commit of another program with a metaData of these columns only.
void overwrite_schema(BusLake& lake, const std::vector<Column>& columns) {
    const TableState state = lake.state();
    boost::json::object metadata = boost::json::parse(state.metadata).as_object();
    metadata["schemaString"] = schema_with("", columns).value();
    const std::string text =
        boost::json::serialize(boost::json::object{{"metaData", metadata}}) + "\n";
    const std::string path = lake.log_path(commit_name(state.version + 1));
    REQUIRE(lake.store.put_if_absent(path, as_bytes(text)).ok());
}

// The same, and this row has a value, too.
Validity with(const Validity& valid, std::size_t row) {
    Validity made;
    for (std::size_t i = 0; i < valid.size(); ++i) made.append(i == row || valid[i]);
    return made;
}

// Columns of another type than ours become booleans that are all false.
std::vector<ColumnData> in_schema(const std::vector<ColumnData>& data, const BusLake& lake,
                                  const std::vector<Column>& schema) {
    std::vector<ColumnData> made;
    for (const Column& column : schema) {
        ColumnData other;
        other.valid.append(true, data[0].valid.size());
        other.integers.assign(data[0].valid.size(), 0);
        for (std::size_t i = 0; i < data.size(); ++i)
            if (lake.columns[i].name == column.name && lake.columns[i].type == column.type)
                other = data[i];
        made.push_back(std::move(other));
    }
    return made;
}

void rewrite(BusLake& lake, const std::string& name, const Rewrite& how = {}) {
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    TableCommit commit;
    commit.now = fixture_now;
    commit.columns = lake.columns;
    const std::vector<Column>& columns = how.schema.empty() ? lake.columns : how.schema;
    Batch batch{columns};
    for (const auto& [path, file] : table.state().files) {
        auto data = read_columns(table.read(file).value(), lake.columns).value();
        if (how.edit) how.edit(data);
        data = in_schema(data, lake, columns);
        std::vector<Batch::RowPlace> rows;
        for (std::uint32_t row = 0; row < data[0].valid.size(); ++row) rows.push_back({&data, row});
        batch.append_rows(rows);
        commit.removed.push_back(path);
    }
    const auto object = lake.store.begin().value();
    const auto written = write_parquet(batch, batch.arrival_order(), *object);
    REQUIRE(written.ok());
    DataFile file;
    if (!how.without_day) file.receive_date = lake.receive_date;
    file.path = how.without_day ? name + ".parquet"
                                : "receive_date=" + lake.receive_date + "/" + name + ".parquet";
    file.bytes = written.value().bytes;
    REQUIRE(object->finish(lake.folder + "/" + file.path).ok());
    commit.files = {file};
    REQUIRE(table.commit(commit).ok());
    if (!how.schema.empty()) overwrite_schema(lake, how.schema);
}

class CountingStore final : public ObjectStore {
 public:
    explicit CountingStore(ObjectStore& store) : store_{store} {}
    std::size_t reads = 0;

    Result<std::vector<std::byte>> read(std::string_view path) override {
        ++reads;
        return store_.read(path);
    }
    Status put_if_absent(std::string_view path, Bytes bytes) override {
        return store_.put_if_absent(path, bytes);
    }
    Result<std::unique_ptr<ObjectWriter>> begin() override { return store_.begin(); }
    Result<std::vector<std::string>> list(std::string_view folder) override {
        return store_.list(folder);
    }
    Result<std::vector<StoredObject>> entries(std::string_view folder) override {
        return store_.entries(folder);
    }
    Status remove(std::string_view path) override { return store_.remove(path); }
    Status make_durable(std::string_view folder) override { return store_.make_durable(folder); }
    Status replace(std::string_view path, Bytes bytes) override {
        return store_.replace(path, bytes);
    }

 private:
    ObjectStore& store_;
};

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
             if (data[3].integers[0] == (std::int64_t{2} << 30) + 2)
                 data[speed].valid = with(data[speed].valid, 0);
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
        const auto edit_second = [&edit](std::vector<ColumnData>& data) {
            // All rows lie in one file now: the second block's are in its middle.
            std::vector<ColumnData> block(data.size());
            Batch batch{bus_columns()};
            std::vector<Batch::RowPlace> rows;
            for (std::uint32_t row = 7; row < 14; ++row) rows.push_back({&data, row});
            batch.append_rows(rows);
            for (std::size_t i = 0; i < data.size(); ++i) block[i] = batch.data(i);
            edit(block);
            data = std::move(block);
        };
        rewrite(lake, "part-2", {edit_second, {}, false});
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
    CHECK(rows.deleted == 7);
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
    const auto remark = [](std::vector<ColumnData>& data) {
        data.back().valid = {};
        data.back().valid.append(true, data[0].valid.size());
        data.back().integers.assign(data[0].valid.size(), 5);
    };
    rewrite(lake, "part-1", {remark, {}, false});
    const RewrittenRows rows = compare(lake);
    CHECK(rows.same == 14);
    CHECK(rows.changed.empty());
}

TEST_CASE("rewritten: what others have added is not compared in a merged file of ours either") {
    BusLake lake;
    lake.columns.push_back(make_column("remark", ColumnType::long_integer));
    lake.fill(1, 2);  // as the compaction writes them: null in a column of others
    const auto remark = [](std::vector<ColumnData>& data) {
        data.back().valid = {};
        data.back().valid.append(true, data[0].valid.size());
        data.back().integers.assign(data[0].valid.size(), 5);
    };
    rewrite(lake, "part-1", {remark, {}, false});
    CHECK(compare(lake).same == 14);
}

TEST_CASE("rewritten: a table overwritten without our descriptions is compared in our columns") {
    std::vector<Column> plain = bus_columns();
    for (Column& column : plain) column.kind.clear();
    BusLake lake;
    lake.fill(1, 2);
    SECTION("values are as they were") {
        rewrite(lake, "part-1", {{}, plain, false});
        const RewrittenRows rows = compare(lake);
        CHECK(rows.same == 14);
        CHECK(rows.faults.empty());
    }
    SECTION("one is another") {
        const auto edit = [](std::vector<ColumnData>& data) { data[note].texts[0] = 'E'; };
        rewrite(lake, "part-1", {edit, plain, false});
        CHECK(changed_in(compare(lake)) == 2);  // one of each block
    }
    SECTION("a column is gone, and its values with it") {
        plain.erase(plain.begin() + note);
        rewrite(lake, "part-1", {{}, plain, false});
        const RewrittenRows rows = compare(lake);
        CHECK(changed_in(rows) == 8);  // the others had none
        CHECK(rows.same == 6);
    }
    SECTION("a column has another type: nobody can compare it, and that is told") {
        plain[note].type = ColumnType::boolean;
        rewrite(lake, "part-1", {{}, plain, false});
        const RewrittenRows rows = compare(lake);
        REQUIRE(rows.faults.size() == 1);
        CHECK(rows.faults[0].find("part-1.parquet: its values cannot be compared") !=
              std::string::npos);
        CHECK(rows.same == 0);
    }
}

TEST_CASE("rewritten: any NaN is the same, as other programs write one of their own for all") {
    BusLake lake;
    lake.fill(1, 2);  // level is a NaN with a payload
    const auto canonical = [](std::vector<ColumnData>& data) {
        for (double& value : data[10].reals)
            value = std::bit_cast<double>(std::uint64_t{0x7fc0'0000});
    };
    rewrite(lake, "part-1", {canonical, {}, false});
    CHECK(compare(lake).same == 14);

    const std::vector<Column> columns{make_column("speed", ColumnType::real)};
    ColumnData speeds;
    speeds.valid.append(true, 3);
    speeds.reals = {std::numeric_limits<double>::quiet_NaN(),
                    std::bit_cast<double>(std::uint64_t{0xfff8'0000'0000'0001}),
                    std::numeric_limits<double>::infinity()};
    const auto same = row_hashes(columns, {speeds}, Nans::all_same);
    CHECK(same[0] == same[1]);
    CHECK(same[0] != same[2]);
    const auto by_bits = row_hashes(columns, {speeds}, Nans::by_bits);  // a merge keeps them
    CHECK(by_bits[0] != by_bits[1]);
}

TEST_CASE("rewritten: a file without a day is compared with all files of ours") {
    BusLake lake;
    lake.fill(1, 2);
    lake.receive_date = "2026-11-22";
    lake.fill(3, 4);
    rewrite(lake, "part-1", {{}, {}, true});
    const RewrittenRows rows = compare(lake);
    CHECK(rows.same == 28);
    CHECK(rows.unknown == 0);
}

TEST_CASE("rewritten: files of ours are called deleted only when one is not there") {
    BusLake lake;
    lake.fill(1, 2);
    const auto renamed = [](std::vector<ColumnData>& data) {
        for (std::int64_t& seq : data[3].integers) seq += 100;
    };
    rewrite(lake, "part-1", {renamed, {}, false});
    CHECK(compare(lake).unknown == 14);
    CHECK(compare(lake).deleted == 0);
    for (const auto& [path, file] : lake.state().removed)
        REQUIRE(lake.store.remove(lake.folder + "/" + path).ok());
    CHECK(compare(lake).unknown == 14);
    CHECK(compare(lake).deleted == 14);
}

TEST_CASE("rewritten: a block with a row of a high number takes no more room than another") {
    BusLake lake;
    lake.fill(1, 1, 1);
    constexpr std::int64_t blocks = 4000;
    const auto many = [](std::vector<ColumnData>& data) {
        Batch batch{bus_columns()};
        for (std::int64_t n = 1; n <= blocks; ++n) add_block(batch, n, 1);
        for (std::size_t i = 0; i < data.size(); ++i) data[i] = batch.data(i);
        data[4].integers.assign(blocks, limits::block_samples_max - 1);
    };
    rewrite(lake, "part-1", {many, {}, false});
    const auto peak_kib = [] {
        rusage usage{};
        REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
        return usage.ru_maxrss;
    };
    const long before = peak_kib();
    CHECK(compare(lake).unknown == blocks);
    CHECK(peak_kib() - before < 100 * 1024);
}

TEST_CASE("rewritten: rows of one large file are compared in parts") {
    BusLake lake;
    lake.fill(1, 3);
    rewrite(lake, "part-1");
    CountingStore store{lake.store};
    DeltaTable table{lake.store, lake.folder};
    REQUIRE(table.refresh().ok());
    CHECK(compare_rewritten(store, table, {}).same == 21);
    CHECK(store.reads == 3);
    store.reads = 0;
    CHECK(compare_rewritten(store, table, {}, 20).same == 21);
    CHECK(store.reads == 9);  // at the first row of each further block, and at the end
}
