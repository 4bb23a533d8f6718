// What is missing: awaited, lost or a hole.
#include "tests/unit/tools/audit_bench.hpp"

using namespace longhaul;
using namespace longhaul::test;

TEST_CASE("audit: a number that has not come is awaited, for what is new is sent first") {
    AuditBench bench;
    bench.begin();
    for (const std::uint32_t number : {1U, 5U, 2U, 6U}) bench.send(number);
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(holds(report));
    CHECK(report.totals.awaited == 2);
}

TEST_CASE("audit: what a block of the backlog has passed is a hole, after a minute to tell it") {
    AuditBench bench;
    bench.begin();
    for (const std::uint32_t number : {1U, 5U, 3U}) bench.send(number);
    REQUIRE(bench.drain().empty());
    CHECK(bench.report().totals.awaited == 2);
    bench.send(6, 59);
    REQUIRE(bench.drain().empty());
    CHECK(bench.report().totals.holes == 0);
    bench.send(7, 60);
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(report.totals.holes == 1);
    CHECK(report.totals.awaited == 1);  // block 4 may still come
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0] ==
          "acme/bus-1 epoch 1: normal block 2: is missing and nothing says why");
}

TEST_CASE("audit: a backlog that takes hours is passed all the same") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    bench.send(1000);
    for (std::uint32_t number = 3; number < 200; ++number) {
        if (number != 100) bench.send(number, 10 * number);
    }
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(report.totals.holes == 2);
    CHECK(report.problems.size() == 2);
}

TEST_CASE("audit: a device that jumps over all its numbers costs a sentence, not the machine") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    bench.send(BlockSeq::number_max);
    bench.send(BlockSeq::number_max - 1);
    bench.send(2, 60);
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(report.totals.holes == BlockSeq::number_max - 4);
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0] == "acme/bus-1 epoch 1: normal blocks 3 to " +
                                    std::to_string(BlockSeq::number_max - 2) +
                                    ": are missing and nothing says why");
}

TEST_CASE("audit: a block that the device has listed as lost is none") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    bench.tell(4, {lost({1, 2}, {1, 3}, 5)});
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(holds(report));
    CHECK(report.totals.lost == 2);
    CHECK(report.totals.lost_samples == 5);
    CHECK(report.totals.awaited == 0);
}

TEST_CASE("audit: the same loss told twice counts once, and a larger one for those in it") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    bench.tell(9, {lost({1, 2}, {1, 3}, 5), lost({1, 2}, {1, 3}, 5)});
    bench.tell(10, {lost({1, 2}, {1, 8}, 21)});
    bench.tell(11, {lost({1, 5}, {1, 6}, 6), lost({1, 2}, {1, 3}, 5)});
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(holds(report));
    CHECK(report.totals.lost == 7);
    CHECK(report.totals.lost_samples == 21);
}

TEST_CASE("audit: a row counts more than a loss") {
    AuditBench bench;
    bench.begin();
    for (const std::uint32_t number : {1U, 2U, 3U}) bench.send(number);
    bench.tell(5, {lost({1, 2}, {1, 3}, 6), lost({1, 4}, {1, 4}, 3)});
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(holds(report));
    CHECK(report.totals.rows == 9);
    CHECK(report.totals.lost == 1);
    CHECK(report.totals.lost_samples == 3);
}

TEST_CASE("audit: a loss over epochs explains what is missing in all of them, and no more") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    bench.send(2);
    bench.next_epoch(2, 3);
    bench.next_epoch(3, 2);
    bench.next_epoch(4);
    // Of epoch 2 block 2 came in between; epoch 3 is gone as a whole.
    bench.send_of(2, 2);
    bench.send_of(4, 7);
    bench.tell_of(4, 8, {lost({1, 3}, {4, 4}, 100)});
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    for (const auto& problem : report.problems) UNSCOPED_INFO(problem);
    CHECK(holds(report));
    // Block 3 of epoch 1, block 1 of epoch 2, whatever epoch 3 had, blocks 1 to 4 of epoch 4.
    CHECK(report.totals.lost == 1 + 1 + 1 + 4);
    CHECK(report.totals.awaited == 2);  // 5 and 6 of epoch 4
    CHECK(report.totals.lost_samples == 100);
}

TEST_CASE("audit: a block that comes after a loss was told over it becomes its rows") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    bench.next_epoch(2, 3);  // the record says that there were three
    bench.tell_of(2, 1, {lost({1, 2}, {1, 3}, 6)});
    bench.send(2);  // it waited: a device joins losses over what it still has
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(holds(report));
    CHECK(report.totals.rows == 6);
    CHECK(report.totals.quarantined == 0);
}

TEST_CASE("audit: losses beyond the highest block seen, and of an epoch that never came, count") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    bench.tell(2, {lost({1, 4}, {1, 9}, 18), lost({7, 1}, {7, 3}, 9)});
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(holds(report));
    CHECK(report.totals.lost == 9);
    CHECK(report.totals.awaited == 1);  // block 3
    CHECK(report.epochs.contains({"acme", "bus-1", 7, 7}));
}

TEST_CASE("audit: a spool that could not be read explains no block") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    longhaul_Loss unreadable = longhaul_Loss_init_zero;
    unreadable.reason = longhaul_LossReason_LOSS_REASON_UNREADABLE;
    bench.tell(3, {unreadable});
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(holds(report));
    CHECK(report.totals.lost == 0);
    CHECK(report.totals.awaited == 1);
}

TEST_CASE("audit: of a loss whose numbers make no sense nothing is believed") {
    AuditBench bench;
    bench.begin();
    bench.send(1);
    longhaul_Loss crossing = lost({1, 2}, {1, 3}, 5);
    crossing.last_seq = BlockSeq::of(BlockClass::bulk, 3).value;
    bench.tell(4, {lost({1, 3}, {1, 2}, 5), lost({2, 1}, {1, 9}, 5), crossing});
    REQUIRE(bench.drain().empty());
    const AuditReport report = bench.report();
    CHECK(report.totals.lost == 0);
    CHECK(report.totals.awaited == 2);
}
