// Adopted once more: runs that were stopped one after the other, and a journal that had adopted a
// lake itself.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <map>
#include <set>

#include "collector/lake/compaction.hpp"
#include "tests/unit/tools/adopt_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

// What a disk holds, file by file.
using Image = std::map<std::string, std::vector<std::byte>>;

void add_files(Disk& disk, const std::string& folder, Image& image) {
    const auto entries = disk.list(folder);
    REQUIRE(entries.ok());
    for (const DiskEntry& entry : entries.value()) {
        const std::string path = folder.empty() ? entry.name : folder + "/" + entry.name;
        if (entry.directory)
            add_files(disk, path, image);
        else
            image[path] = read_file(disk, path).value();
    }
}

Image image_of(Disk& disk) {
    Image image;
    add_files(disk, "", image);
    return image;
}

void put(const Image& image, Disk& disk) {
    for (const auto& [path, bytes] : image) {
        if (path.find('/') != std::string::npos)
            REQUIRE(disk.make_directories(path.substr(0, path.rfind('/'))).ok());
        REQUIRE(replace_file(disk, path, bytes).ok());
    }
}

// Adopts what the image has, and is stopped after so many steps.
struct StoppedRun {
    bool finished;
    Image left;
};
StoppedRun run(const Image& image, std::uint8_t uuid, std::uint64_t steps, bool power) {
    AdoptBench bench;
    put(image, bench.disk);
    bench.disk.fail_after(steps);
    const bool finished = bench.adopt(uuid).ok();
    std::mt19937_64 torn{steps};
    if (power) bench.disk.cut_power(&torn);
    return {finished, image_of(bench.disk)};
}

// Where each run could be stopped: everything that this one may leave.
std::set<Image> left_by(const std::set<Image>& before, std::uint8_t uuid) {
    std::set<Image> left;
    for (const Image& image : before) {
        for (const bool power : {false, true}) {
            for (std::uint64_t steps = 0;; ++steps) {
                REQUIRE(steps < 1000);  // one of them comes to its end
                StoppedRun stopped = run(image, uuid, steps, power);
                left.insert(std::move(stopped.left));
                if (stopped.finished) break;
            }
        }
    }
    return left;
}

bool is_of_journal(const std::string& path) {
    return path == "journal.meta" || path.starts_with("shard-") || path.starts_with("snapshots/");
}

// Nothing is half moved, and the first journal lies whole where it was put aside.
void check_is_one_journal(const Image& image, const Image& first) {
    for (const auto& [path, bytes] : image) {
        CAPTURE(path);
        CHECK(!path.starts_with("adopting/"));
    }
    const auto meta = first.find("journal.meta");
    if (meta == first.end()) return;
    const char of_uuid = "0123456789abcdef"[static_cast<int>(meta->second[8])];
    const std::string aside =
        std::string{"before-0"} + of_uuid + "000000-0000-0000-0000-000000000000/";
    for (const auto& [path, bytes] : first) {
        if (!is_of_journal(path)) continue;
        CAPTURE(path);
        const auto kept = image.find(aside + path);
        REQUIRE(kept != image.end());
        CHECK(kept->second == bytes);
    }
}

}  // namespace

TEST_CASE("adopt: runs that are stopped one after the other leave one journal, with everything") {
    AdoptBench before;
    before.begin();
    before.send(1);
    before.send(3);
    REQUIRE(before.drain().empty());
    before.lose_journal();
    const bool has_journal = GENERATE(false, true);
    CAPTURE(has_journal);
    if (has_journal) {
        REQUIRE(before.adopt(6).ok());
        REQUIRE(before.start());
        before.meet();
        before.send(5);  // acknowledged, and in no table
    }
    const Image first = image_of(before.disk);
    const std::set<Image> once = left_by({first}, 8);
    const std::set<Image> twice = left_by(once, 9);
    CHECK((once.size() > 10 && twice.size() > 3 * once.size()));
    for (const Image& image : twice) {
        AdoptBench bench;
        bench.maker.stream(1, "thing", *bench.thing);
        put(image, bench.disk);
        REQUIRE(bench.adopt(10).ok());
        check_is_one_journal(image_of(bench.disk), first);
        REQUIRE(bench.start());
        bench.meet();
        for (const std::uint32_t number : {2U, 3U, 4U}) bench.send_again(number);
        REQUIRE(bench.drain().empty());
        REQUIRE(bench.blocks() == (has_journal ? rows_of({1, 2, 3, 4, 5}) : rows_of({1, 2, 3, 4})));
        REQUIRE(holds(bench.report()));
    }
}

namespace {

// Each block has a row in both tables. The process may end when one of them has its own.
struct TornBench : AdoptBench {
    std::unique_ptr<StoredSchema> other =
        make_schema("other", TimeKind::source, {field("n", FieldKind::integer)});

    void meet_both() {
        schema(*other);
        meet();
    }
    void send_both(std::uint32_t number, std::int64_t time_us = noon_us) {
        Body body;
        body.samples(1, *thing, {number}, {{Value::of_integer(number)}})
            .samples(2, *other, {number}, {{Value::of_integer(number)}});
        block(maker, maker.block(number, body), time_us);
    }
    void commit_both(std::uint32_t number) {
        send_both(number);
        REQUIRE(drain().empty());
    }
    // Only the table `other` gets the block's row.
    void tear(std::uint32_t number) {
        send_both(number);
        const std::size_t before = numbers_in("acme/other").size();
        writer->request_barrier();
        while (numbers_in("acme/other").size() == before)
            REQUIRE(writer->step({0}, {noon_us}).ok());
        REQUIRE(numbers_in("acme/thing").size() < before + 1);
    }
    void adopt_and_start(std::uint8_t uuid) {
        REQUIRE(adopt(uuid).ok());
        REQUIRE(start());
        REQUIRE(drain().empty());
    }
    void compact_all() {
        writer.reset();
        CompactionSettings compaction;
        compaction.files_min = 2;
        LocalStore lake{disk};
        for (const char* const name : {"acme/thing", "acme/other"}) {
            DeltaTable table{lake, name};
            REQUIRE(table.refresh().ok());
            const auto plan = plan_compaction(table.state(), compaction, {adopted_us}, {});
            std::string faulty;
            if (plan)
                REQUIRE(
                    compact(lake, table, *plan, {adopted_us}, [] { return false; }, faulty).ok());
        }
        REQUIRE(start());
    }
    Rows numbers_in(const std::string& table) { return rows(table, {"seq"}); }
};

}  // namespace

TEST_CASE("adopt: what two barriers have torn is awaited by the journal that adopts both") {
    const bool is_kept = GENERATE(false, true);  // the journal that had adopted the lake
    const bool came_again = GENERATE(false, true);
    CAPTURE(is_kept, came_again);
    TornBench bench;
    bench.maker.stream(1, "thing", *bench.thing).stream(2, "other", *bench.other);
    bench.meet_both();
    bench.commit_both(1);
    bench.tear(2);
    bench.lose_journal();
    bench.adopt_and_start(9);
    bench.meet_both();
    if (came_again) bench.commit_both(2);
    bench.commit_both(3);
    bench.tear(4);
    CHECK(bench.numbers_in("acme/thing").size() == (came_again ? 3U : 2U));
    CHECK(bench.numbers_in("acme/other").size() == 4);
    if (!is_kept) bench.lose_journal();
    bench.adopt_and_start(10);
    CHECK(bench.numbers_in("acme/thing").size() ==
          2U + (came_again ? 1U : 0U) + (is_kept ? 1U : 0U));
    bench.close();
    Rows missing;
    if (!came_again || !is_kept) missing.push_back(loss_of(2, 2));
    if (!is_kept) missing.push_back(loss_of(4, 4));
    CHECK(bench.lost() == missing);

    bench.meet_both();
    for (int twice = 0; twice < 2; ++twice) {
        for (const std::uint32_t number : {1U, 2U, 3U, 4U, 5U})
            bench.send_both(number, adopted_us + 1);
        REQUIRE(bench.drain().empty());
        REQUIRE(bench.start());
        REQUIRE(bench.drain().empty());
    }
    CHECK(bench.numbers_in("acme/thing").size() == 5);
    CHECK(bench.numbers_in("acme/other").size() == 5);
    bench.close();
    CHECK(bench.lost() == missing);
    CHECK(holds(bench.report()));
}

TEST_CASE("adopt: what was torn is awaited still when its file was compacted since") {
    const bool came_again = GENERATE(false, true);
    CAPTURE(came_again);
    TornBench bench;
    bench.maker.stream(1, "thing", *bench.thing).stream(2, "other", *bench.other);
    bench.meet_both();
    bench.commit_both(1);
    bench.tear(2);
    bench.lose_journal();
    bench.adopt_and_start(9);
    bench.meet_both();
    bench.commit_both(3);
    bench.compact_all();
    if (came_again) bench.commit_both(2);
    bench.commit_both(4);
    for (const std::uint8_t uuid : {std::uint8_t{10}, std::uint8_t{11}}) {
        bench.adopt_and_start(uuid);
        bench.compact_all();
    }
    CHECK(bench.lost().empty());
    bench.close();
    CHECK(bench.lost() == (came_again ? Rows{} : Rows{loss_of(2, 2)}));
    bench.meet_both();
    for (const std::uint32_t number : {1U, 2U, 3U, 4U}) bench.send_both(number, adopted_us + 1);
    REQUIRE(bench.drain().empty());
    CHECK(bench.numbers_in("acme/thing").size() == 4);
    CHECK(bench.numbers_in("acme/other").size() == 4);
    CHECK(holds(bench.report()));
}
