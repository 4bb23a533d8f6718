// A lake with values that nothing of ours has: an adoption refuses it and says where, rather than
// take them for others.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "collector/lake/retention.hpp"
#include "collector/writer/table_columns.hpp"
#include "tests/unit/tools/adopt_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::int64_t two_to_32 = std::int64_t{1} << 32;
const std::string planted_path = "receive_date=2026-11-21/planted.parquet";

// One row of a table; what is not set is null.
struct PlantedRow {
    std::vector<Column> columns;
    std::map<std::string, std::int64_t> numbers{{"incarnation", 7}, {"epoch", 1}};
    std::map<std::string, std::string> texts{{"device", "bus-1"}};

    Batch batch() const {
        Batch made{columns};
        made.begin_row();
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const auto number = numbers.find(columns[i].name);
            const auto text = texts.find(columns[i].name);
            if (number != numbers.end()) made.put_integer(i, number->second);
            if (text != texts.end()) made.put_text(i, text->second);
        }
        made.end_row();
        return made;
    }
};

std::vector<Column> columns_of(const std::string& table) {
    if (table == "_epochs") return epoch_columns();
    if (table == "_anchors") return anchor_columns();
    if (table == "_losses") return loss_columns();
    if (table == "_quarantine") return quarantine_columns();
    if (table == "_expired") return expired_columns();
    return fixed_columns();
}

void plant(AdoptBench& bench, const std::string& table, const PlantedRow& row) {
    const Batch batch = row.batch();
    LocalStore lake{bench.disk};
    DeltaTable delta{lake, "acme/" + table};
    REQUIRE(delta.refresh().ok());
    auto object = lake.begin();
    const auto file = write_parquet(batch, batch.arrival_order(), *object.value());
    REQUIRE(file.ok());
    REQUIRE(object.value()->finish("acme/" + table + "/" + planted_path).ok());
    TableCommit commit;
    commit.files = {{}};
    commit.files[0].path = planted_path;
    commit.files[0].receive_date = "2026-11-21";
    commit.files[0].bytes = file.value().bytes;
    commit.files[0].rows = 1;
    commit.columns = row.columns;
    commit.now = {noon_us};
    commit.txns = {{"another program", 1}};
    REQUIRE(delta.commit(commit).ok());
}

struct LostBench : AdoptBench {
    LostBench() {
        begin();
        send(1);
        REQUIRE(drain().empty());
        lose_journal();
    }
    void check_refused(const std::string& where) {
        const auto report = adopt();
        REQUIRE(!report.ok());
        CHECK_THAT(report.error().text, ContainsSubstring(where));
        CHECK(!read_file(disk, "journal.meta").ok());
    }
};

}  // namespace

TEST_CASE("adopt: a lake with a number that nothing of ours has is refused by file and column") {
    struct Case {
        const char* table;
        const char* column;
        std::int64_t value;
        std::int64_t sound;
    };
    const std::vector<Case> cases{
        {"thing", "incarnation", -1, 7},
        {"thing", "incarnation", two_to_32 + 7, 7},
        {"thing", "epoch", two_to_32 + 1, 1},
        {"thing", "seq", -1, 2},
        {"thing", "seq", two_to_32, UINT32_MAX},
        {"_epochs", "epoch", INT64_MIN, 1},
        {"_epochs", "previous_epoch", two_to_32 + 1, 1},
        {"_epochs", "receive_time", INT64_MAX, noon_us},
        {"_epochs", "receive_time", -1, noon_us},
        {"_anchors", "anchor", -1, 0},
        {"_anchors", "anchor", INT32_MAX, INT32_MAX - 1},
        {"_anchors", "error_us", -1, 0},
        {"_anchors", "error_us", INT64_MAX, INT64_MAX / 4},
        {"_losses", "first_seq", INT64_MIN, 2},
        {"_losses", "last_seq", INT64_MAX, 2},
        {"_losses", "last_epoch", two_to_32 + 1, 2},
        {"_losses", "class", 4, 3},
        {"_quarantine", "seq", two_to_32 + 1, 2},
        {"_expired", "first_seq", -1, 2},
        {"_expired", "last_seq", two_to_32, 2},
    };
    for (const Case& each : cases) {
        CAPTURE(each.table, each.column, each.value);
        for (const bool absurd : {true, false}) {
            LostBench bench;
            const std::string table = each.table;
            PlantedRow row{columns_of(table)};
            if (table == "thing" || table == "_quarantine") row.numbers["seq"] = 2;
            if (table == "_losses") row.texts["reason"] = "full";
            if (table == "_expired") row.texts["of_table"] = "thing";
            for (const char* const end : {"first_seq", "last_seq"}) {
                if (table == "_losses" || table == "_expired") row.numbers[end] = 2;
            }
            if (table == "_anchors") row.numbers["anchor"] = 1;
            row.numbers[each.column] = absurd ? each.value : each.sound;
            plant(bench, table, row);
            if (absurd)
                bench.check_refused("acme/" + table + "/" + planted_path + ", column " +
                                    each.column);
            else
                CHECK(bench.adopt().ok());
        }
    }
}

TEST_CASE("adopt: a log with a number that nothing of ours has is refused by its table") {
    SECTION("when a file was made") {
        LostBench bench;
        const std::string path = bench.only_file().path;
        const auto add = [&](const std::string& modified) {
            return R"({"add":{"path":")" + path +
                   R"(","partitionValues":{"receive_date":"2026-11-21"},"size":)" +
                   std::to_string(bench.only_file().bytes) + R"(,"modificationTime":)" + modified +
                   R"(,"dataChange":true}})";
        };
        bench.commit_by_hand(add("9223372036854775807"));
        bench.check_refused("acme/thing/" + path + ", its modificationTime");
        bench.commit_by_hand(add("-1"));
        bench.check_refused("acme/thing/" + path + ", its modificationTime");
        bench.commit_by_hand(add("0"));
        CHECK(bench.adopt().ok());
    }
    const std::string app = "07000000-0000-0000-0000-000000000000/";
    SECTION("up to where a journal had come") {
        LostBench bench;
        bench.commit_by_hand(R"({"txn":{"appId":")" + app + R"(1","version":-2}})");
        bench.check_refused("acme/thing, a txn");
    }
    SECTION("which journal that was") {
        LostBench bench;
        bench.commit_by_hand(R"({"txn":{"appId":")" + app + std::string(70'000, '1') +
                             R"(","version":2}})");
        bench.check_refused("acme/thing, a txn");
    }
}

TEST_CASE("adopt: rows of a device whose name is none, and of a table whose name is none") {
    const std::string name(300, 'x');
    LostBench bench;
    PlantedRow row{columns_of("thing")};
    row.texts["device"] = name;
    row.numbers["seq"] = 2;
    plant(bench, "thing", row);
    const auto report = bench.adopt();
    REQUIRE(report.ok());
    CHECK(report.value().epochs == 1);
    LostBench expired;
    PlantedRow gone{columns_of("_expired")};
    gone.texts["of_table"] = name;
    gone.numbers["first_seq"] = gone.numbers["last_seq"] = 2;
    plant(expired, "_expired", gone);
    expired.check_refused("acme/_expired/" + planted_path + ", column of_table");
}
