// How device time becomes event_time, and what becomes of losses.
#include <catch2/catch_test_macros.hpp>

#include "tests/unit/collector/writer/writer_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

using Rows = std::vector<std::string>;

// Ticks of a millisecond.
struct DeviceTime {
    WriterBench bench;
    std::unique_ptr<StoredSchema> schema =
        make_schema("counter", TimeKind::device, {field("n", FieldKind::integer)});
    EpochMaker epoch{"acme", "probe-1", 11, 1};

    DeviceTime() {
        epoch.stream(1, "c", *schema);
        bench.schema(*schema);
        bench.epoch(epoch);
    }
    Body at(std::vector<std::int64_t> ticks) {
        return Body{}.samples(1, *schema, ticks, {std::vector<Value>(ticks.size())});
    }
    Rows rows() {
        return bench.rows("acme/counter", {"seq", "row", "event_time", "anchor", "time_error_us"});
    }
};

const std::string seq_1 = std::to_string(0x8000'0001U);
const std::string seq_2 = std::to_string(0x8000'0002U);

}  // namespace

TEST_CASE("time: without an anchor the newest sample of the first block is as old as its arrival") {
    DeviceTime device;
    device.bench.block(device.epoch, device.epoch.block(1, device.at({1000, 3000, 2000})));
    device.bench.block(device.epoch, device.epoch.block(2, device.at({4000})),
                       noon_us + 60'000'000);
    REQUIRE(device.bench.drain() == "");
    CHECK(device.rows() == Rows{seq_1 + "|0|2026-11-21 11:59:58.000000Z|0|",
                                seq_1 + "|1|2026-11-21 12:00:00.000000Z|0|",
                                seq_1 + "|2|2026-11-21 11:59:59.000000Z|0|",
                                seq_2 + "|0|2026-11-21 12:00:01.000000Z|0|"});
    CHECK(device.bench.rows("acme/_anchors",
                            {"anchor", "elapsed_us", "wall_us", "error_us", "origin"}) ==
          Rows{"0|3000000|" + std::to_string(noon_us) + "||receive"});
}

TEST_CASE("time: a device's anchor serves the block that it comes in, wherever in it") {
    DeviceTime device;
    Body body = device.at({1000});
    body.anchor(500'000, noon_us, 200);
    device.bench.block(device.epoch, device.epoch.block(1, body));
    REQUIRE(device.bench.drain() == "");
    // 0.5 s from the anchor, at 100 parts per million.
    CHECK(device.rows() == Rows{seq_1 + "|0|2026-11-21 12:00:00.500000Z|0|250"});
    CHECK(device.bench.rows("acme/_anchors", {"device", "incarnation", "epoch", "error_us",
                                              "origin"}) == Rows{"probe-1|11|1|200|device"});
}

TEST_CASE("time: the anchor with the smallest error is taken, and rows that are written stay") {
    DeviceTime device;
    device.bench.block(device.epoch,
                       device.epoch.block(1, device.at({1000}).anchor(0, noon_us, 5000)));
    REQUIRE(device.bench.drain() == "");
    // Two anchors far apart: each is the better one near itself.
    Body body = device.at({1000, 99'000'000});
    body.anchor(100'000'000'000, noon_us + 100'000'000'123, 10);
    device.bench.block(device.epoch, device.epoch.block(2, body));
    REQUIRE(device.bench.drain() == "");
    CHECK(device.rows() == Rows{seq_1 + "|0|2026-11-21 12:00:01.000000Z|0|5100",
                                seq_2 + "|0|2026-11-21 12:00:01.000000Z|0|5100",
                                seq_2 + "|1|2026-11-22 15:30:00.000123Z|1|100010"});
}

TEST_CASE(
    "time: a clock that nobody vouches for gives no bound, and gives way to one that has one") {
    DeviceTime device;
    Body body = device.at({1000});
    body.anchor(0, noon_us + 300'000'000'000'000, std::uint64_t{1} << 62);  // ten years ahead
    device.bench.block(device.epoch, device.epoch.block(1, body));
    REQUIRE(device.bench.drain() == "");
    device.bench.block(device.epoch,
                       device.epoch.block(2, device.at({2000}).anchor(0, noon_us, 5000)));
    REQUIRE(device.bench.drain() == "");
    CHECK(device.rows() == Rows{seq_1 + "|0|2036-05-24 17:20:01.000000Z|0|",
                                seq_2 + "|0|2026-11-21 12:00:02.000000Z|1|5200"});
}

TEST_CASE("time: whatever a device claims, its rows are written") {
    for (const std::int64_t extreme : {INT64_MIN, INT64_MAX}) {
        CAPTURE(extreme);
        DeviceTime device;
        Body body = device.at({extreme, 0, extreme});
        body.anchor(~extreme, extreme, UINT64_MAX);
        device.bench.block(device.epoch, device.epoch.block(1, body));
        REQUIRE(device.bench.drain() == "");
        CHECK(device.rows().size() == 3);
        CHECK(device.bench.rows("acme/_quarantine", {"reason"}).empty());
    }
}

TEST_CASE("loss: what a device lists as lost is a row, with class, range, count and reason") {
    DeviceTime device;
    longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
    entry.which_entry = longhaul_SystemEntry_loss_tag;
    entry.entry.loss = {
        1, 0xc000'0003, 0xc000'0009, 700, longhaul_LossReason_LOSS_REASON_FULL, 5, 6, 0};
    device.bench.block(device.epoch, device.epoch.block(1, Body{}.system(entry)));
    REQUIRE(device.bench.drain() == "");
    CHECK(
        device.bench.rows("acme/_losses", {"device", "incarnation", "epoch", "class", "first_seq",
                                           "last_seq", "samples", "reason", "from_us", "to_us"}) ==
        Rows{"probe-1|11|1|3|" + std::to_string(0xc000'0003U) + "|" + std::to_string(0xc000'0009U) +
             "|700|full|5|6"});
}

TEST_CASE("loss: over several epochs it is one row, which names the last one") {
    DeviceTime device;
    longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
    entry.which_entry = longhaul_SystemEntry_loss_tag;
    entry.entry.loss = {
        1, 0xc000'0003, 0xc000'0001, 90, longhaul_LossReason_LOSS_REASON_CORRUPT, 7, 8, 4};
    device.bench.block(device.epoch, device.epoch.block(1, Body{}.system(entry)));
    REQUIRE(device.bench.drain() == "");
    CHECK(
        device.bench.rows("acme/_losses", {"epoch", "class", "first_seq", "last_epoch", "last_seq",
                                           "samples", "reason", "from_us", "to_us"}) ==
        Rows{"1|3|" + std::to_string(0xc000'0003U) + "|4|" + std::to_string(0xc000'0001U) +
             "|90|corrupt|7|8"});
}

TEST_CASE("loss: of a spool that could not be read nothing is known but that") {
    DeviceTime device;
    longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
    entry.which_entry = longhaul_SystemEntry_loss_tag;
    entry.entry.loss.reason = longhaul_LossReason_LOSS_REASON_UNREADABLE;
    device.bench.block(device.epoch, device.epoch.block(1, Body{}.system(entry)));
    REQUIRE(device.bench.drain() == "");
    CHECK(device.bench.rows("acme/_losses",
                            {"device", "incarnation", "epoch", "class", "first_seq", "last_epoch",
                             "last_seq", "samples", "reason", "from_us", "to_us"}) ==
          Rows{"probe-1|11|||||||unreadable||"});
}

TEST_CASE("anchor: its origin says whose clock it was") {
    struct Case {
        std::uint32_t source;
        const char* origin;
    };
    const Case cases[] = {{longhaul_AnchorSource_ANCHOR_SOURCE_UNKNOWN, "device"},
                          {longhaul_AnchorSource_ANCHOR_SOURCE_CLOCK, "device"},
                          {longhaul_AnchorSource_ANCHOR_SOURCE_SYNCHRONIZED_CLOCK, "synchronized"},
                          {longhaul_AnchorSource_ANCHOR_SOURCE_COLLECTOR, "collector"},
                          {99, "device"}};
    for (const Case& each : cases) {
        CAPTURE(each.source);
        DeviceTime device;
        longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
        entry.which_entry = longhaul_SystemEntry_anchor_tag;
        entry.entry.anchor = {5, noon_us, 1000, each.source};
        device.bench.block(device.epoch, device.epoch.block(1, Body{}.system(entry)));
        REQUIRE(device.bench.drain() == "");
        CHECK(device.bench.rows("acme/_anchors", {"wall_us", "error_us", "origin"}) ==
              Rows{std::to_string(noon_us) + "|1000|" + each.origin});
    }
}

TEST_CASE("loss: what was in memory when an epoch ended is listed, unless it ended in good order") {
    struct Case {
        std::uint32_t previous_epoch;
        bool clean;
        Rows losses;
    };
    const Case cases[] = {
        {1,
         false,
         {"1|0|1||power_cut|0|", "1|2|" + std::to_string(0x8000'0008U) + "||power_cut|123456|",
          "1||||power_cut||"}},
        {1, true, {}},
        {0, false, {"1||||power_cut||"}},  // of which nothing was ever stored
    };
    for (const Case& each : cases) {
        CAPTURE(each.previous_epoch, each.clean);
        WriterBench bench;
        EpochMaker epoch{"acme", "probe-1", 11, 2};
        epoch.record.previous_epoch = each.previous_epoch;
        epoch.record.previous_clean = each.clean;
        epoch.record.previous_ends_count = 2;
        epoch.record.previous_ends[0] = {0, 0, 0};
        epoch.record.previous_ends[1] = {2, 7, 123'456};
        bench.epoch(epoch);
        bench.epoch(epoch);
        REQUIRE(bench.drain() == "");
        CHECK(bench.rows("acme/_losses", {"epoch", "class", "first_seq", "last_seq", "reason",
                                          "from_us", "to_us"}) == each.losses);
        CHECK(bench.rows("acme/_epochs", {"epoch", "previous_epoch", "previous_clean"}).size() ==
              1);
    }
}

namespace {

// Two epochs of streams in the classes 0, 2 and 3; of the first one, class 2 alone has stored
// something when the power went.
struct CutPower {
    std::unique_ptr<StoredSchema> schema =
        make_schema("counter", TimeKind::source, {field("n", FieldKind::integer)});
    EpochMaker first{"acme", "probe-1", 11, 1};
    EpochMaker second{"acme", "probe-1", 11, 2};
    WriterBench bench;

    CutPower() {
        std::uint32_t index = 0;
        for (const std::uint32_t block_class : {0U, 2U, 2U, 3U}) {
            first.stream(++index, "c", *schema);
            first.record.streams[index - 1].block_class = block_class;
        }
        second.record.previous_epoch = 1;
        second.record.previous_ends_count = 1;
        second.record.previous_ends[0] = {2, 7, 123'456};
    }
    Rows losses() {
        return bench.rows("acme/_losses", {"epoch", "class", "first_seq", "last_seq", "samples",
                                           "reason", "from_us"});
    }
};

const Rows cut_rows{"1|0|1|||power_cut|0",
                    "1|2|" + std::to_string(0x8000'0008U) + "|||power_cut|123456",
                    "1|3|" + std::to_string(0xc000'0001U) + "|||power_cut|0"};

}  // namespace

TEST_CASE("loss: a class that was used and stored nothing is listed from its first block on") {
    CutPower power;
    power.bench.epoch(power.first);
    power.bench.epoch(power.second);
    REQUIRE(power.bench.drain() == "");
    CHECK(power.losses() == cut_rows);
    REQUIRE(power.bench.start());
    power.bench.epoch(power.first);
    power.bench.epoch(power.second);
    REQUIRE(power.bench.drain() == "");
    CHECK(power.losses() == cut_rows);
}

TEST_CASE("loss: an epoch whose record comes late, or never, has rows all the same") {
    CutPower power;
    power.bench.epoch(power.second);
    REQUIRE(power.bench.drain() == "");
    CHECK(power.losses() ==
          Rows{"1|2|" + std::to_string(0x8000'0008U) + "|||power_cut|123456", "1|||||power_cut|"});
    power.bench.epoch(power.first);
    power.bench.epoch(power.second);
    REQUIRE(power.bench.drain() == "");
    Rows all = cut_rows;
    all.push_back("1|||||power_cut|");
    std::sort(all.begin(), all.end());
    CHECK(power.losses() == all);
}

TEST_CASE("loss: an epoch that ended in good order lost nothing, whenever its record comes") {
    for (const bool late : {false, true}) {
        CAPTURE(late);
        CutPower power;
        power.second.record.previous_clean = true;
        if (!late) power.bench.epoch(power.first);
        power.bench.epoch(power.second);
        if (late) power.bench.epoch(power.first);
        REQUIRE(power.bench.drain() == "");
        CHECK(power.losses().empty());
    }
}

namespace {

// The same, and a third epoch, a block of which tells what the record of the second one says.
struct ToldCut : CutPower {
    EpochMaker third{"acme", "probe-1", 11, 3};

    ToldCut() {
        third.record.previous_epoch = 2;
        third.record.previous_clean = true;
        bench.epoch(third);
    }
    void tell(std::uint32_t carrier, const longhaul_Loss& loss) {
        longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
        entry.which_entry = longhaul_SystemEntry_loss_tag;
        entry.entry.loss = loss;
        bench.block(third, third.block(carrier, Body{}.system(entry).system(entry)));
    }
    static longhaul_Loss end_of_normal() {
        return {1,
                0x8000'0008U,
                0x8000'0008U,
                0,
                longhaul_LossReason_LOSS_REASON_POWER_CUT,
                123'456,
                123'456,
                0};
    }
};

const Rows told_rows{"1|2|" + std::to_string(0x8000'0008U) + "|||power_cut|123456",
                     "1|||||power_cut|"};

}  // namespace

TEST_CASE("loss: a power cut that a block tells of is the row that the record would have made") {
    ToldCut power;
    power.tell(1, ToldCut::end_of_normal());
    power.tell(2, ToldCut::end_of_normal());
    REQUIRE(power.bench.drain() == "");
    CHECK(power.losses() == told_rows);

    // The record of the epoch comes, and then the one after it, all the same.
    power.bench.epoch(power.first);
    REQUIRE(power.bench.drain() == "");
    CHECK(power.losses() == told_rows);
    power.bench.epoch(power.second);
    REQUIRE(power.bench.drain() == "");
    Rows all = cut_rows;
    all.push_back("1|||||power_cut|");
    std::sort(all.begin(), all.end());
    CHECK(power.losses() == all);
}

TEST_CASE("loss: a power cut that the record told of is not told again by a block") {
    for (const bool restarted : {false, true}) {
        CAPTURE(restarted);
        ToldCut power;
        power.bench.epoch(power.first);
        power.bench.epoch(power.second);
        REQUIRE(power.bench.drain() == "");
        if (restarted) REQUIRE(power.bench.start());
        power.tell(1, ToldCut::end_of_normal());
        REQUIRE(power.bench.drain() == "");
        CHECK(power.losses() == cut_rows);
    }
}

TEST_CASE("loss: two power cuts of which a device made one are a row over both") {
    ToldCut power;
    longhaul_Loss loss = ToldCut::end_of_normal();
    loss.last_epoch = 2;
    loss.last_seq = 0x8000'0003U;
    power.tell(1, loss);
    REQUIRE(power.bench.drain() == "");
    CHECK(power.losses() == Rows(2, "1|2|" + std::to_string(0x8000'0008U) + "|" +
                                        std::to_string(0x8000'0003U) + "|0|power_cut|123456"));
}
