// The part of spool_contract.hpp about power cuts that no epoch record tells of.
#pragma once

#include "tests/port/spool_bench.hpp"

namespace longhaul::test {

// "live 1.2": class and place of every end of an epoch that the account tells of.
inline std::string cuts_in(const agent::LossLedger& losses) {
    std::string text;
    for (const agent::Loss& loss : losses.entries()) {
        if (loss.reason != agent::LossReason::power_cut) continue;
        CHECK(loss.first == loss.last);
        CHECK(loss.samples == 0);
        text += (text.empty() ? "" : ", ") + std::string{name_of(loss.block_class)} + " " +
                std::to_string(loss.first.epoch.value) + "." + std::to_string(loss.first.number) +
                " from " + std::to_string(loss.from_us);
    }
    return text;
}

// Three boots; of the second one, a few bulk blocks, nothing is left when the third has filled the
// spool. `clean` boots end without samples in memory.
template <class Harness>
void drop_the_second_epoch(SpoolBench<Harness>& bench, bool clean) {
    const Epoch first = bench.begin();
    for (std::uint32_t n = 1; n <= 3; ++n) REQUIRE(bench.append(first, BlockClass::normal, n).ok());
    REQUIRE(bench.append(first, BlockClass::live, 1).ok());
    bench.restart();
    const Epoch second = bench.begin_after(clean);
    REQUIRE(bench.append(second, BlockClass::bulk, 1).ok());
    REQUIRE(bench.append(second, BlockClass::bulk, 2).ok());
    CHECK(bench.spool->losses().empty());
    bench.restart();
    const Epoch third = bench.begin_after(clean);
    for (std::uint32_t n = 1; n <= 2 * more_than(Harness::small_bytes); ++n)
        REQUIRE(bench.append(third, BlockClass::normal, n).ok());
    CHECK(bench.waiting(BlockClass::bulk).empty());
}

template <class Harness>
void spool_tells_of_a_cut_that_no_record_tells_of() {
    SpoolBench<Harness> bench{when_full(agent::WhenFull::drop_oldest, Harness::small_bytes)};
    drop_the_second_epoch(bench, false);
    const std::string cuts = "live 1.2 from 1999, normal 1.4 from 3999";
    CHECK(cuts_in(bench.spool->losses()) == cuts);
    bench.restart();
    CHECK(cuts_in(bench.spool->losses()) == cuts);

    // The third boot's record is dropped as well, and nothing is told twice.
    const Epoch fourth = bench.begin_after(false);
    for (std::uint32_t n = 1; n <= 2 * more_than(Harness::small_bytes); ++n)
        REQUIRE(bench.append(fourth, BlockClass::live, n).ok());
    CHECK(bench.waiting(BlockClass::normal).empty());
    CHECK(cuts_in(bench.spool->losses()) == cuts + ", bulk 2.3 from 2999");
}

template <class Harness>
void spool_tells_of_no_cut_where_none_was() {
    SpoolBench<Harness> bench{when_full(agent::WhenFull::drop_oldest, Harness::small_bytes)};
    drop_the_second_epoch(bench, true);
    CHECK_FALSE(bench.spool->losses().empty());
    CHECK(cuts_in(bench.spool->losses()).empty());
}

// The collector that had the record has lost it, with its journal.
template <class Harness>
void spool_tells_of_a_cut_whose_record_is_void() {
    SpoolBench<Harness> bench{when_full(agent::WhenFull::drop_oldest, Harness::small_bytes)};
    const Epoch first = bench.begin();
    REQUIRE(bench.append(first, BlockClass::normal, 1).ok());
    bench.restart();
    const Epoch second = bench.begin_after(false);
    REQUIRE(bench.append(second, BlockClass::bulk, 1).ok());
    bench.mark(first, BlockClass::normal, 1, 1);
    bench.mark(second, BlockClass::bulk, 1, 1);
    REQUIRE(bench.spool->void_durable().ok());
    bench.restart();
    const Epoch third = bench.begin_after(true);
    for (std::uint32_t n = 1; n <= more_than(Harness::small_bytes); ++n)
        REQUIRE(bench.append(third, BlockClass::normal, n).ok());
    CHECK(cuts_in(bench.spool->losses()) == "normal 1.2 from 1999");
}

// A block that is dropped when it is new counts, though it never was in the spool.
template <class Harness>
void spool_tells_of_a_cut_before_what_was_dropped_at_once() {
    SpoolBench<Harness> bench{when_full(agent::WhenFull::drop_newest, Harness::small_bytes)};
    const Epoch first = bench.begin();
    std::uint32_t kept = 0;
    while (bench.append(first, BlockClass::normal, kept + 1).value().stored == 1) ++kept;
    bench.restart();
    const Epoch second = bench.begin_after(false);
    REQUIRE(bench.append(second, BlockClass::normal, 1).value().next_dropped);
    REQUIRE(bench.append(second, BlockClass::normal, 2).value().next_dropped);
    const std::string end = std::to_string(kept + 2) + " from " + std::to_string(kept + 1) + "999";
    CHECK(cuts_in(bench.spool->losses()) == "normal 1." + end);
    bench.restart();
    CHECK(bench.spool->previous_end().value().epoch == second);
}

}  // namespace longhaul::test
