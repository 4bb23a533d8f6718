// What bears a name that the writer knows: the same again, another image of the device, a copy of
// it.
#include <catch2/catch_test_macros.hpp>
#include <cstring>

#include "tests/unit/collector/writer/writer_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

using Rows = std::vector<std::string>;

// A device of which each boot stores two blocks of one row, and ends in order.
struct BootBench : WriterBench {
    std::unique_ptr<StoredSchema> bus =
        make_schema("bus", TimeKind::source, {field("n", FieldKind::integer)});

    // Another `image`: the device was set back, and draws other keys.
    EpochMaker boot(std::uint32_t number, const char* image = "1") const {
        EpochMaker made{"acme", "probe-1", 11, number, sealing_key(), image};
        made.stream(1, "bus", *bus);
        std::strcpy(made.record.firmware, image);
        made.record.previous_epoch = number - 1;
        made.record.previous_clean = true;
        made.record.previous_ends_count = 1;
        made.record.previous_ends[0] = {2, 2, 0};
        return made;
    }
    std::vector<std::byte> sealed(const EpochMaker& of, std::uint32_t number) const {
        return of.block(number, Body{}.samples(1, *bus, {1}, {{Value::of_integer(number)}}));
    }
    void send(const EpochMaker& of) {
        epoch(of);
        for (const std::uint32_t number : {1U, 2U}) block(of, sealed(of, number));
    }
    Rows reasons() { return rows("acme/_quarantine", {"epoch", "seq", "reason"}); }
};

const std::string seq_1 = std::to_string(BlockSeq::of(BlockClass::normal, 1).value);

}  // namespace

TEST_CASE("device: a boot under the number of one that is done is a fork, tags or not") {
    for (const std::uint64_t tag_bytes : {std::uint64_t{64} << 20, std::uint64_t{1}}) {
        CAPTURE(tag_bytes);  // 1: those of the newest entry only
        BootBench bench;
        bench.settings.tag_bytes = tag_bytes;
        REQUIRE(bench.start());
        bench.schema(*bench.bus);
        for (std::uint32_t number = 1; number <= 5; ++number) bench.send(bench.boot(number));
        REQUIRE(bench.drain() == "");
        CHECK(bench.rows("acme/bus", {"n"}).size() == 10);

        // Sent again: duplicates.
        for (const std::uint32_t number : {4U, 5U}) bench.send(bench.boot(number));
        REQUIRE(bench.drain() == "");
        CHECK(bench.writer->counters().duplicates == 4);
        CHECK(bench.writer->counters().quarantined == 0);

        // Set back: of a boot that is done, and of the one that is under way.
        bench.settings.snapshot_bytes = 1;
        for (const bool with_snapshot : {false, true}) {
            if (with_snapshot) REQUIRE(bench.start());
            for (const std::uint32_t number : {4U, 5U}) {
                const EpochMaker again = bench.boot(number, "2");
                if (with_snapshot) {
                    bench.block(again, bench.sealed(again, 2));
                } else {
                    bench.epoch(again);
                    bench.block(again, bench.sealed(again, 1));
                }
            }
            REQUIRE(bench.drain() == "");
        }
        const std::string fork = "|fork: other content under the same name";
        const std::string seq_2 = std::to_string(BlockSeq::of(BlockClass::normal, 2).value);
        CHECK(bench.reasons() == Rows{"4|" + seq_1 + fork, "4|" + seq_2 + fork,
                                      "4||fork: a second record of this epoch", "5|" + seq_1 + fork,
                                      "5|" + seq_2 + fork,
                                      "5||fork: a second record of this epoch"});
        CHECK(bench.rows("acme/bus", {"n"}).size() == 10);
    }
}

TEST_CASE("device: one that goes on while a copy of its spool began the next boot is a fork") {
    for (const std::uint64_t tag_bytes : {std::uint64_t{64} << 20, std::uint64_t{1}}) {
        CAPTURE(tag_bytes);
        BootBench bench;
        bench.settings.tag_bytes = tag_bytes;
        bench.settings.snapshot_bytes = 1;
        REQUIRE(bench.start());
        bench.schema(*bench.bus);
        // The copy's boot 2 tells the ends of boot 1 as the spool had them when it was copied.
        for (std::uint32_t number = 1; number <= 2; ++number) bench.send(bench.boot(number));
        REQUIRE(bench.drain() == "");
        REQUIRE(bench.start());
        const EpochMaker original = bench.boot(1);
        for (const std::uint32_t number : {2U, 3U, 4U})
            bench.block(original, bench.sealed(original, number));
        REQUIRE(bench.drain() == "");
        const std::string fork =
            "|fork: of an epoch that the record of the next one had ended before";
        const auto seq = [](std::uint32_t number) {
            return std::to_string(BlockSeq::of(BlockClass::normal, number).value);
        };
        CHECK(bench.reasons() == Rows{"1|" + seq(3) + fork, "1|" + seq(4) + fork});
        CHECK(bench.writer->counters().forks == 2);
        const std::vector<std::string> notes = bench.writer->take_notes();
        CHECK(std::count_if(notes.begin(), notes.end(), [](const std::string& note) {
                  return note.find(" epoch 1: fork: of an epoch") != std::string::npos;
              }) == 2);
        CHECK(bench.writer->counters().duplicates == 1);
        CHECK(bench.rows("acme/bus", {"n"}).size() == 4);
    }
}

TEST_CASE("device: it is a fork beside a copy also where a loss keeps the epoch open") {
    BootBench bench;
    REQUIRE(bench.start());
    bench.schema(*bench.bus);
    const EpochMaker original = bench.boot(1);
    bench.epoch(original);
    bench.block(original, bench.sealed(original, 2));  // the first one was dropped
    bench.epoch(bench.boot(2));                        // the copy's
    for (const std::uint32_t number : {3U, 3U, 1U, 2U})
        bench.block(original, bench.sealed(original, number));
    REQUIRE(bench.drain() == "");
    const std::string seq_3 = std::to_string(BlockSeq::of(BlockClass::normal, 3).value);
    CHECK(
        bench.reasons() ==
        Rows{"1|" + seq_3 + "|fork: of an epoch that the record of the next one had ended before"});
    CHECK(bench.rows("acme/bus", {"n"}) == Rows{"1", "2"});
    CHECK(bench.writer->counters().duplicates == 2);
}

TEST_CASE("device: a block that came before the copy told the end stays the one that it is") {
    BootBench bench;
    bench.settings.tag_bytes = 1;
    REQUIRE(bench.start());
    bench.schema(*bench.bus);
    const EpochMaker original = bench.boot(1);
    bench.send(original);
    bench.block(original, bench.sealed(original, 3));
    bench.send(bench.boot(2));
    bench.block(original, bench.sealed(original, 3));
    REQUIRE(bench.drain() == "");
    CHECK(bench.reasons().empty());
    CHECK(bench.writer->counters().duplicates == 1);
}

TEST_CASE(
    "device: of one that opens epochs without end the newest are rows, the oldest quarantined") {
    BootBench bench;
    REQUIRE(bench.start());
    bench.schema(*bench.bus);
    constexpr auto last = static_cast<std::uint32_t>(state_limits::open_epochs_max) + 20;
    // The record costs most; so few have one.
    const auto boot = [&bench](std::uint32_t number) {
        EpochMaker made = bench.boot(number);
        made.record.previous_epoch = number == 1 ? 0 : number - 1;
        bench.epoch(made);
        return made;
    };
    const EpochMaker first = boot(1);
    for (std::uint32_t number = 3; number <= last; number += 2) static_cast<void>(boot(number));
    bench.block(first, bench.sealed(first, 1));
    const EpochMaker newest = boot(last + 1);
    bench.block(newest, bench.sealed(newest, 1));
    REQUIRE(bench.drain() == "");
    CHECK(bench.rows("acme/bus", {"epoch"}) == Rows{std::to_string(last + 1)});
    CHECK(bench.reasons() == Rows{"1|" + seq_1 + "|too many epochs of this device"});
    // What a snapshot takes of it has an end, too, and says the same.
    bench.settings.snapshot_bytes = 1;
    for (int again = 0; again < 2; ++again) {
        REQUIRE(bench.start());
        bench.block(first, bench.sealed(first, 2));
        REQUIRE(bench.drain() == "");
    }
    CHECK(bench.rows("acme/bus", {"epoch"}).size() == 1);
    CHECK(bench.reasons().size() == 2);
}

TEST_CASE("device: what nobody can tell any more is listed, once") {
    BootBench bench;
    bench.settings.tag_bytes = 1000;
    REQUIRE(bench.start());
    bench.schema(*bench.bus);
    for (std::uint32_t number = 1; number <= 9; ++number) bench.send(bench.boot(number));
    const EpochMaker old = bench.boot(2);
    for (int i = 0; i < 2; ++i) bench.block(old, bench.sealed(old, 1));
    const EpochMaker again = bench.boot(2, "2");
    bench.epoch(again);
    REQUIRE(bench.drain() == "");
    const std::string long_ago =
        "|of an epoch that was done long ago: whether it came before cannot be told any more";
    CHECK(bench.reasons() == Rows{"2|" + seq_1 + long_ago, "2|" + long_ago});
    CHECK(bench.writer->counters().duplicates == 1);
    CHECK(bench.rows("acme/bus", {"n"}).size() == 18);
}

TEST_CASE("device: a block that does not open does not take the place of the one that does") {
    BootBench bench;
    bench.settings.tag_bytes = 1;
    REQUIRE(bench.start());
    bench.schema(*bench.bus);
    const EpochMaker boot = bench.boot(1);
    bench.epoch(boot);
    const EpochMaker other = bench.boot(1, "2");
    bench.block(other, bench.sealed(other, 1));
    bench.block(boot, bench.sealed(boot, 2));
    bench.block(boot, bench.sealed(boot, 1));
    REQUIRE(bench.drain() == "");
    CHECK(bench.rows("acme/bus", {"n"}) == Rows{"1", "2"});
    CHECK(bench.reasons() == Rows{"1|" + seq_1 + "|the block does not open"});
}
