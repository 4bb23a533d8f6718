// What an adoption must not take for granted: that everything of a block is there, that a device is
// what it was, that the old journal and the new one are whole.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/unit/tools/adopt_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// Flips a bit in each of these entries of the shard's one segment.
void damage_entries(AdoptBench& bench, Shard shard, const std::vector<Offset>& entries) {
    const std::string folder = "shard-000" + std::to_string(shard);
    const auto segments = bench.disk.list(folder).value();
    REQUIRE(segments.size() == 1);
    const std::string path = folder + "/" + segments[0].name;
    auto bytes = read_file(bench.disk, path).value();
    const Offset end = bench.journal->durable_end(shard);
    bench.writer.reset();
    bench.journal.reset();
    for (const Offset entry : entries)
        bytes[bytes.size() - static_cast<std::size_t>(end - entry) + 10] ^= std::byte{1};
    REQUIRE(replace_file(bench.disk, path, bytes).ok());
}

std::vector<Offset> adoption_entries(AdoptBench& bench, Shard shard) {
    std::vector<Offset> entries;
    auto reader = bench.journal->read(shard, 0);
    REQUIRE(reader.ok());
    for (auto read = reader.value()->next(); read.ok(); read = reader.value()->next()) {
        if (read.value().entry.kind == JournalKind::adoption)
            entries.push_back(read.value().offset);
    }
    return entries;
}

// An older copy with two blocks, in the second shard, becomes a new journal.
std::vector<Offset> adopt_in_second_shard(AdoptBench& bench) {
    bench.journal_settings.shards_if_new = 2;
    REQUIRE(bench.start());
    std::string device = "bus-0";
    while (bench.journal->shard_of("acme", device) != 1) ++device.back();
    bench.maker = EpochMaker{"acme", device.c_str(), 7, 1};
    bench.maker.stream(1, "thing", *bench.thing);
    bench.schema(*bench.thing, "acme", 1);
    bench.epoch(bench.maker, 1);
    for (const std::uint32_t number : {1U, 2U})
        bench.block(bench.maker, bench.sealed(number), noon_us, 1);
    REQUIRE(bench.drain().empty());
    REQUIRE(bench.adopt().value().entries_kept == 4);
    REQUIRE(bench.start());
    return adoption_entries(bench, 1);
}

}  // namespace

TEST_CASE(
    "adopt: a later close lists what has been missed since, and what devices list is not twice") {
    AdoptBench bench;
    bench.lose_after({1});
    bench.meet();
    for (const std::uint32_t number : {1U, 3U}) bench.send_again(number);
    bench.tell(7, {lost({1, 4}, {1, 5}, 6)});
    REQUIRE(bench.drain().empty());
    bench.close();
    const std::string told = "1|2147483652|2147483653|full";
    CHECK(bench.lost() == Rows{loss_of(2, 2), told, loss_of(6, 6)});
    bench.send_again(9);
    REQUIRE(bench.drain().empty());
    bench.close();
    CHECK(bench.lost() == Rows{loss_of(2, 2), told, loss_of(6, 6), loss_of(8, 8)});
    CHECK(holds(bench.report()));
}

TEST_CASE("adopt: epochs that no table has rows of are listed, too") {
    AdoptBench bench;
    bench.begin();
    bench.commit_each({1});
    bench.next_epoch(2, 1);
    REQUIRE(bench.drain().empty());
    bench.lose_journal();
    REQUIRE(bench.adopt().ok());
    REQUIRE(bench.start());
    bench.schema(*bench.thing);
    bench.next_epoch(5, 3);  // 3 blocks of epoch 4 were stored
    bench.send_of(5, 2);
    REQUIRE(bench.drain().empty());
    bench.close();
    const auto loss = [](std::uint32_t epoch, std::uint32_t first, std::uint32_t last) {
        return std::to_string(epoch) + loss_of(first, last).substr(1);
    };
    // Of the second one the record was there, and nobody knows how far it came.
    CHECK(bench.lost() == Rows{"2|||journal_lost", loss(4, 1, 3), loss(5, 1, 1)});
    for (int again = 0; again < 2; ++again) bench.close();
    CHECK(bench.lost().size() == 3);
}

TEST_CASE("adopt: a device that was set back is a fork, as before") {
    AdoptBench bench;
    bench.lose_after({1, 2});
    AdoptBench other;  // the same device, with another key at the same boot
    other.maker = EpochMaker{"acme", "bus-1", 7, 1, sealing_key(), "another"};
    other.maker.stream(1, "thing", *bench.thing);
    bench.schema(*bench.thing);
    bench.epoch(other.maker);
    bench.block(other.maker, other.sealed(2), adopted_us);
    REQUIRE(bench.drain().empty());
    CHECK(bench.blocks() == rows_of({1, 2}));
    const std::string two = std::to_string(BlockSeq::of(BlockClass::normal, 2).value);
    CHECK(bench.reasons() ==
          Rows{two + "|no epoch record", "|fork: a second record of this epoch"});
    bench.epoch(bench.maker);
    bench.send_again(3);
    REQUIRE(bench.drain().empty());
    CHECK(bench.blocks() == rows_of({1, 2, 3}));
}

TEST_CASE("adopt: a damaged adoption stops the writer, and is made again") {
    AdoptBench bench;
    bench.lose_after({1, 2});
    bench.meet();
    bench.send_again(3);
    const std::vector<Offset> entries = adoption_entries(bench, 0);
    REQUIRE(entries.size() > 2);
    for (const Offset entry : entries) {
        CAPTURE(entry);
        damage_entries(bench, 0, {entry});
        REQUIRE(bench.start());
        CHECK_THAT(bench.drain(), ContainsSubstring("run `longhaul adopt` again"));
        damage_entries(bench, 0, {entry});  // which puts it right
        REQUIRE(bench.start());
    }
    CHECK(!bench.adopt(10).value().was_closed);
    REQUIRE(bench.start());
    REQUIRE(bench.drain().empty());
    CHECK(bench.blocks() == rows_of({1, 2, 3}));
    bench.close();
    CHECK(bench.adopt(11).value().was_closed);
}

TEST_CASE("adopt: a shard that lost the beginning of its adoption doubles nothing") {
    for (std::size_t damaged = 1;; ++damaged) {
        CAPTURE(damaged);
        AdoptBench bench;
        std::vector<Offset> entries = adopt_in_second_shard(bench);
        REQUIRE(entries.size() > 3);
        const bool all = damaged == entries.size();
        entries.resize(damaged);
        damage_entries(bench, 1, entries);
        bench.settings.rows_max = 1;
        REQUIRE(bench.start());
        CHECK_THAT(bench.drain(), ContainsSubstring("run `longhaul adopt` again"));
        CHECK(bench.blocks() == rows_of({1, 2}));
        if (all) break;
    }
}

TEST_CASE("adopt: a shard that lost the end of its adoption, or all of it, doubles nothing") {
    for (const bool all : {false, true}) {
        CAPTURE(all);
        AdoptBench bench;
        const std::vector<Offset> entries = adopt_in_second_shard(bench);
        if (!all) damage_entries(bench, 1, {entries.back()});  // a torn tail when it is opened
        bench.writer.reset();
        bench.journal.reset();
        if (all) bench.remove_all("shard-0001");
        bench.settings.rows_max = 1;
        REQUIRE(bench.start());
        bench.schema(*bench.thing, "acme", 1);
        bench.epoch(bench.maker, 1);
        for (const std::uint32_t number : {1U, 2U})
            bench.block(bench.maker, bench.sealed(number), adopted_us, 1);
        CHECK_THAT(bench.drain(), ContainsSubstring("run `longhaul adopt` again"));
        CHECK(bench.blocks() == rows_of({1, 2}));
        REQUIRE(bench.adopt(10).ok());
        REQUIRE(bench.start());
        CHECK(bench.drain().empty());
        CHECK(bench.blocks() == rows_of({1, 2}));
    }
}

TEST_CASE("adopt: what a refused block is listed with does not take its name") {
    AdoptBench bench;
    bench.schema(*bench.thing);
    bench.maker.stream(1, "thing", *bench.thing);
    bench.send(1);  // before its record
    bench.epoch(bench.maker);
    bench.send(2);
    REQUIRE(bench.drain().empty());
    bench.lose_journal();
    REQUIRE(bench.adopt().ok());
    REQUIRE(bench.start());
    bench.meet();
    bench.send_again(2);
    REQUIRE(bench.drain().empty());
    bench.close();
    CHECK(bench.lost() == Rows{loss_of(1, 1)});
    bench.send_again(1);
    REQUIRE(bench.drain().empty());
    CHECK(bench.blocks() == rows_of({1, 2}));
    CHECK(holds(bench.report()));
}

TEST_CASE("adopt: of a block of the last barrier a table's rows may be lost") {
    const bool is_new = GENERATE(false, true);  // the table that gets none
    CAPTURE(is_new);
    AdoptBench bench;
    const auto other = make_schema("other", TimeKind::source, {field("n", FieldKind::integer)});
    bench.maker.stream(2, "other", *other);
    const auto both = [&](std::uint32_t number) {
        Body body;
        body.samples(1, *bench.thing, {1}, {{Value::of_integer(1)}})
            .samples(2, *other, {2}, {{Value::of_integer(2)}});
        return bench.maker.block(number, body);
    };
    bench.begin();
    bench.schema(*other);
    bench.epoch(bench.maker);
    if (!is_new) bench.block(bench.maker, both(1));
    REQUIRE(bench.drain().empty());
    bench.block(bench.maker, both(2));
    bench.writer->request_barrier();
    const std::size_t before = is_new ? 0U : 1U;
    while (bench.rows("acme/other", {"seq"}).size() == before)
        REQUIRE(bench.writer->step({0}, {noon_us}).ok());
    CHECK(bench.rows("acme/thing", {"seq"}).size() == before);
    bench.lose_journal();
    REQUIRE(bench.adopt().ok());
    REQUIRE(bench.start());
    bench.close();
    CHECK(bench.lost() == Rows{is_new ? loss_of(1, 2) : loss_of(2, 2)});
    bench.schema(*other);
    bench.meet();
    for (const std::uint32_t number : {1U, 2U})
        bench.block(bench.maker, both(number), adopted_us + 1);
    REQUIRE(bench.drain().empty());
    CHECK(bench.rows("acme/other", {"seq"}).size() == 2);
    CHECK(bench.rows("acme/thing", {"seq"}).size() == 2);
    CHECK(holds(bench.report()));
}

TEST_CASE("adopt: of a journal that was cut nothing is dropped without a word") {
    AdoptBench bench;
    bench.journal_settings.segment_bytes_max = 1;  // each group has one
    bench.settings.snapshot_bytes = 1;
    bench.begin();
    for (const std::uint32_t number : {1U, 2U, 3U, 4U}) {
        bench.send(number);
        REQUIRE(bench.drain().empty());
    }
    REQUIRE(bench.journal->begin(0).value() != 0);
    bench.settings.snapshot_bytes = UINT64_MAX;
    REQUIRE(bench.start());
    bench.send(5);
    REQUIRE(bench.drain().empty());
    bench.send(6);  // in no table
    const auto report = bench.adopt();
    REQUIRE(report.ok());
    CHECK(report.value().cut);
    REQUIRE(bench.start());
    REQUIRE(bench.drain().empty());
    const auto refused = [](std::uint32_t number) {
        return std::to_string(BlockSeq::of(BlockClass::normal, number).value) + "|no epoch record";
    };
    // 1 to 4 are before the newest snapshot; whether every table has 5 nobody can tell.
    CHECK(bench.reasons() == Rows{refused(5), refused(6)});
    bench.meet();
    for (const std::uint32_t number : {5U, 6U}) bench.send_again(number);
    REQUIRE(bench.drain().empty());
    CHECK(bench.blocks() == rows_of({1, 2, 3, 4, 5, 6}));
    CHECK(holds(bench.report()));
}

TEST_CASE("adopt: a clock that is behind the lake is refused") {
    AdoptBench bench;
    bench.begin();
    bench.send(1);
    REQUIRE(bench.drain().empty());
    bench.lose_journal();
    CHECK_THAT(bench.adopt(9, noon_us - 1).error().text, ContainsSubstring("clock"));
    CHECK(bench.adopt(9, noon_us).ok());
}

TEST_CASE("adopt: the incarnation that was heard last is given up last") {
    AdoptBench bench;
    bench.begin();
    bench.send(1);
    EpochMaker first{"acme", "bus-1", 9, 1};  // a higher number, and heard before
    first.stream(1, "thing", *bench.thing);
    bench.append(JournalKind::epoch, "acme", "bus-1", first.signed_record(), noon_us - 1);
    REQUIRE(bench.drain().empty());
    LocalStore lake{bench.disk};
    LakeRanges::Progress progress;
    LakeRanges ranges{lake, "acme", progress, [](const LakeRanges::Progress&) {}};
    REQUIRE(ranges.read().ok());
    std::vector<std::uint32_t> order;
    REQUIRE(ranges
                .for_each_epoch([&](const std::string&, const AdoptedEpoch& epoch) -> Status {
                    order.push_back(epoch.incarnation);
                    return {};
                })
                .ok());
    CHECK(order == std::vector<std::uint32_t>{9, 7});
}
