// What agent/core/spool.hpp promises, as tests of any spool. Include it after defining a harness as
// in spool_history.hpp, which besides says
//
//       static constexpr std::uint64_t small_bytes = …;  // a bound that is soon reached
//
//   LH_SPOOL_CONTRACT(MyHarness)
#pragma once

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "tests/port/spool_bench.hpp"
#include "tests/port/spool_contract_cuts.hpp"
#include "tests/port/spool_scenarios.hpp"

namespace longhaul::test {

// A store of flash sectors takes no block that is larger than one.
template <class Harness>
constexpr std::size_t large_block() {
    if constexpr (requires { Harness::block_bytes_max; }) return Harness::block_bytes_max;
    return 16'400;
}

template <class Harness>
void spool_yields_in_order() {
    SpoolBench<Harness> bench;
    const Epoch first = bench.begin();
    REQUIRE(bench.append(first, BlockClass::normal, 1).ok());
    REQUIRE(bench.append(first, BlockClass::normal, 2, 0).ok());
    REQUIRE(bench.append(first, BlockClass::alarm, 1).ok());
    bench.restart();
    const Epoch second = bench.begin();
    REQUIRE(bench.append(second, BlockClass::bulk, 1).ok());
    REQUIRE(bench.append(second, BlockClass::normal, 1, large_block<Harness>()).ok());
    CHECK(second.value == first.value + 1);
    CHECK(bench.waiting(BlockClass::alarm) == "1.1");
    CHECK(bench.waiting(BlockClass::live).empty());
    CHECK(bench.waiting(BlockClass::normal) == "1.1 1.2 2.1");
    CHECK(bench.waiting(BlockClass::bulk) == "2.1");

    // From anywhere, and after a block that is not there.
    std::vector<std::byte> room(20'000);
    const auto next = [&](std::uint32_t epoch, std::uint32_t number) {
        const auto block = bench.spool->next(BlockClass::normal, {epoch},
                                             BlockSeq::of(BlockClass::normal, number), room);
        return block.ok()
                   ? block.value().tag.name.seq.number() + 10 * block.value().tag.name.epoch.value
                   : 0;
    };
    CHECK(next(1, 1) == 12);
    CHECK(next(1, 0) == 11);
    CHECK(next(1, 7) == 21);
    CHECK(next(2, 0) == 21);
    CHECK(next(2, 1) == 0);
}

// What was stored for longer frames than there are now.
template <class Harness>
void spool_passes_over_what_is_too_long() {
    SpoolBench<Harness> bench;
    const Epoch epoch = bench.begin();
    for (const std::uint32_t number : {1U, 2U, 3U, 4U, 5U, 6U})
        REQUIRE(bench
                    .append(epoch, BlockClass::normal, number,
                            number % 2 != 0 && number > 1 ? 300 : 900)
                    .ok());
    std::vector<std::byte> room(400);
    CHECK(bench.waiting(BlockClass::normal, room) == "1.3 1.5");

    const auto check_losses = [&bench] {
        std::uint64_t samples = 0;
        for (const agent::Loss& loss : bench.spool->losses().entries()) {
            if (loss.reason != agent::LossReason::unreadable) continue;
            CHECK(loss.block_class == BlockClass::normal);
            samples += loss.samples;
        }
        CHECK(samples == 1 + 2 + 4 + 6);
        CHECK(bench.spool->depth().value().waiting[static_cast<std::size_t>(BlockClass::normal)] ==
              2);
    };
    check_losses();
    bench.restart();
    CHECK(bench.waiting(BlockClass::normal) == "1.3 1.5");
    check_losses();
}

template <class Harness>
void spool_marks_durable() {
    SpoolBench<Harness> bench;
    const Epoch epoch = bench.begin();
    for (std::uint32_t n = 1; n <= 6; ++n) REQUIRE(bench.append(epoch, BlockClass::normal, n).ok());
    for (std::uint32_t n = 1; n <= 3; ++n) REQUIRE(bench.append(epoch, BlockClass::live, n).ok());

    const agent::DurableGain gain = bench.mark(epoch, BlockClass::normal, 2, 4);
    CHECK(gain.blocks == 3);
    CHECK(gain.samples == 2 + 3 + 4);
    CHECK(bench.waiting(BlockClass::normal) == "1.1 1.5 1.6");
    CHECK(bench.waiting(BlockClass::live) == "1.1 1.2 1.3");
    CHECK(bench.mark(epoch, BlockClass::normal, 1, 4).blocks ==
          1);  // three of them were durable already
    CHECK(bench.mark(epoch, BlockClass::normal, 1, 4).blocks == 0);
    CHECK(bench.mark(epoch, BlockClass::normal, 5, 900).blocks == 2);  // the rest never was
    CHECK(bench.mark({77}, BlockClass::normal, 1, 9).blocks == 0);
    bench.restart();
    CHECK(bench.waiting(BlockClass::normal).empty());
    CHECK(bench.waiting(BlockClass::live) == "1.1 1.2 1.3");

    REQUIRE(bench.spool->void_durable().ok());
    CHECK(bench.waiting(BlockClass::normal) == "1.1 1.2 1.3 1.4 1.5 1.6");
    bench.restart();
    CHECK(bench.waiting(BlockClass::normal) == "1.1 1.2 1.3 1.4 1.5 1.6");
}

template <class Harness>
void spool_is_full() {
    SpoolBench<Harness> bench{Harness::small_bytes};
    const Epoch epoch = bench.begin();
    std::uint32_t kept = 0;
    while (kept < 10'000 && bench.append(epoch, BlockClass::normal, kept + 1).ok()) ++kept;
    CHECK(kept >= Harness::small_bytes / 2 / 500);
    CHECK(kept <= Harness::small_bytes / 500);
    CHECK(bench.append(epoch, BlockClass::normal, kept + 1).error() == ErrorCode::full);
    CHECK(bench.append_some(epoch, BlockClass::normal, kept + 1, kept + 3).error() ==
          ErrorCode::full);

    // Durable blocks go, the oldest first; waiting ones stay.
    const std::uint32_t durable = kept / 2;
    bench.mark(epoch, BlockClass::normal, 1, durable);
    REQUIRE(bench.append(epoch, BlockClass::normal, kept + 1).ok());
    REQUIRE(bench.spool->void_durable().ok());
    const std::string waiting = bench.waiting(BlockClass::normal);
    const std::string rest = "1." + std::to_string(durable + 1) + " ";
    CHECK_FALSE(waiting.starts_with("1.1 "));
    CHECK(waiting.find(rest) != std::string::npos);
    CHECK(waiting.ends_with("." + std::to_string(kept + 1)));
    CHECK(bench.spool->losses().empty());
    bench.restart();
    CHECK(bench.waiting(BlockClass::normal) == waiting);
}

template <class Harness>
void spool_takes_several() {
    SpoolBench<Harness> bench{Harness::small_bytes};
    const Epoch epoch = bench.begin();
    CHECK(bench.append_some(epoch, BlockClass::normal, 1, 4).value().stored == 4);
    const auto kept =
        bench.append_some(epoch, BlockClass::normal, 5, more_than(Harness::small_bytes));
    REQUIRE(kept.ok());
    CHECK_FALSE(kept.value().next_dropped);
    const auto count = static_cast<std::uint32_t>(4 + kept.value().stored);
    CHECK(count < more_than(Harness::small_bytes));
    CHECK(bench.append_some(epoch, BlockClass::normal, count + 1, count + 9).error() ==
          ErrorCode::full);
    bench.restart();
    CHECK(bench.waiting(BlockClass::normal).ends_with(" 1." + std::to_string(count)));
}

template <class Harness>
void spool_knows_depth() {
    SpoolBench<Harness> bench;
    auto depth = bench.spool->depth();
    REQUIRE(depth.ok());
    CHECK(depth.value().oldest_epoch.value == 0);
    CHECK(depth.value().epochs == 0);

    const Epoch first = bench.begin();
    REQUIRE(bench.append(first, BlockClass::alarm, 1).ok());
    const Epoch second = bench.begin();
    REQUIRE(bench.append(second, BlockClass::normal, 1).ok());
    REQUIRE(bench.append(second, BlockClass::normal, 2).ok());
    bench.restart();
    depth = bench.spool->depth();
    CHECK(depth.value().waiting == std::array<std::uint32_t, 4>{1, 0, 2, 0});
    CHECK(depth.value().bytes_waiting >= 1500);
    CHECK(depth.value().oldest_epoch == first);
    CHECK(depth.value().newest_epoch == second);
    CHECK(depth.value().epochs == 2);

    bench.mark(first, BlockClass::alarm, 1, 1);
    depth = bench.spool->depth();
    CHECK(depth.value().oldest_epoch == second);
    CHECK(depth.value().waiting == std::array<std::uint32_t, 4>{0, 0, 2, 0});
}

template <class Harness>
void spool_keeps_records_and_schemas() {
    SpoolBench<Harness> bench;
    const Epoch first = bench.begin({1, 2});
    const Epoch second = bench.begin({2, 3});
    REQUIRE(bench.append(first, BlockClass::normal, 1).ok());
    bench.restart();
    std::vector<std::byte> room(100);
    CHECK(as_text(bench.spool->read_epoch(first, room).value()) == "record 1");
    CHECK(as_text(bench.spool->read_epoch(second, room).value()) == "record 2");
    CHECK(bench.spool->read_epoch({9}, room).error() == ErrorCode::not_found);
    CHECK(as_text(bench.spool->read_schema(schema_hash_of(3), room).value()) == "schema 3");
    CHECK(bench.spool->read_schema(schema_hash_of(9), room).error() == ErrorCode::not_found);
    CHECK(bench.spool->read_schema(schema_hash_of(3), MutableBytes{room}.first(3)).error() ==
          ErrorCode::too_large);

    std::array<SchemaHash, 8> out;
    CHECK(bench.spool->epoch_schemas(second, out).value() == 2);
    CHECK(out[0] == schema_hash_of(2));
    CHECK(out[1] == schema_hash_of(3));
    CHECK(bench.spool->waiting_schemas(out).value() == 2);  // of the first epoch only
    CHECK(bench.spool->waiting_schemas(std::span{out}.first(1)).value() == 1);
    REQUIRE(bench.append(second, BlockClass::normal, 1).ok());
    CHECK(bench.spool->waiting_schemas(out).value() == 3);
}

template <class Harness>
void spool_keeps_state() {
    SpoolBench<Harness> bench;
    std::vector<std::byte> room(agent::Spool::state_bytes_max);
    CHECK(bench.spool->read_state(1, room).error() == ErrorCode::not_found);
    REQUIRE(bench.spool->put_state(1, as_bytes("first")).ok());
    REQUIRE(bench.spool->put_state(200, as_bytes("")).ok());
    REQUIRE(bench.spool->put_state(1, as_bytes("second")).ok());
    CHECK(bench.spool->put_state(1, std::vector<std::byte>(agent::Spool::state_bytes_max + 1))
              .error() == ErrorCode::too_large);
    bench.restart();
    CHECK(as_text(bench.spool->read_state(1, room).value()) == "second");
    CHECK(bench.spool->read_state(200, room).value().empty());
}

template <class Harness>
void spool_never_repeats_names() {
    SpoolBench<Harness> bench;
    const Incarnation incarnation = bench.spool->incarnation();
    std::uint32_t last = 0;
    for (int boot = 0; boot < 5; ++boot) {
        const auto epoch = bench.spool->begin_epoch();
        REQUIRE(epoch.ok());
        CHECK(epoch.value().value > last);
        last = epoch.value().value;
        bench.restart();
        CHECK(bench.spool->incarnation() == incarnation);
    }
}

template <class Harness>
void spool_tells_previous_end() {
    SpoolBench<Harness> bench{Harness::small_bytes};
    CHECK(bench.spool->previous_end().value().epoch.value == 0);
    const Epoch first = bench.begin();
    CHECK(bench.spool->previous_end().value().epoch.value ==
          0);  // as it stood when the spool was opened
    REQUIRE(bench.append(first, BlockClass::alarm, 1).ok());
    for (std::uint32_t n = 1; n <= 3; ++n) REQUIRE(bench.append(first, BlockClass::normal, n).ok());
    // Blocks that were durable and made room count as well.
    bench.mark(first, BlockClass::normal, 1, 3);
    bench.mark(first, BlockClass::alarm, 1, 1);
    std::uint32_t bulk = 0;
    while (bench.append(first, BlockClass::bulk, bulk + 1).ok()) ++bulk;
    bench.restart();
    auto end = bench.spool->previous_end().value();
    CHECK(end.epoch == first);
    CHECK(end.last_number == std::array<std::uint32_t, 4>{1, 0, 3, bulk});
    CHECK(end.last_us[2] == 3999);

    // A boot without a record leaves no trace in the chain.
    REQUIRE(bench.spool->begin_epoch().ok());
    bench.restart();
    CHECK(bench.spool->previous_end().value().epoch == first);
}

template <class Harness>
void spool_stands_scenarios() {
    std::size_t told = 0;
    for (const SpoolScenario& scenario : spool_scenarios(Harness::small_bytes)) {
        CAPTURE(scenario.name);
        SpoolHistory<Harness> history{scenario.policy};
        history.run(scenario.script);
        history.drain();
        told += history.cuts_told();
    }
    CHECK(told >= 4);
}

template <class Harness>
void spool_stands_random_histories(std::uint32_t seeds) {
    for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        SpoolHistory<Harness> history{random_policy(seed, Harness::small_bytes)};
        history.run(random_script(seed, 120));
        history.drain();
    }
}

}  // namespace longhaul::test

#define LH_SPOOL_CONTRACT(Harness)                                                                 \
    TEST_CASE(#Harness ": yields what waits by class, epoch and seq") {                            \
        longhaul::test::spool_yields_in_order<Harness>();                                          \
    }                                                                                              \
    TEST_CASE(#Harness ": passes over blocks that no frame will carry, and lists them") {          \
        longhaul::test::spool_passes_over_what_is_too_long<Harness>();                             \
    }                                                                                              \
    TEST_CASE(#Harness ": durable blocks do not wait, until the marks are voided") {               \
        longhaul::test::spool_marks_durable<Harness>();                                            \
    }                                                                                              \
    TEST_CASE(#Harness ": keeps its bound, and waiting blocks before all") {                       \
        longhaul::test::spool_is_full<Harness>();                                                  \
    }                                                                                              \
    TEST_CASE(#Harness ": takes as many blocks of a call as there is room for") {                  \
        longhaul::test::spool_takes_several<Harness>();                                            \
    }                                                                                              \
    TEST_CASE(#Harness ": knows how much waits") { longhaul::test::spool_knows_depth<Harness>(); } \
    TEST_CASE(#Harness ": keeps epoch records and schemas") {                                      \
        longhaul::test::spool_keeps_records_and_schemas<Harness>();                                \
    }                                                                                              \
    TEST_CASE(#Harness ": keeps state under its keys") {                                           \
        longhaul::test::spool_keeps_state<Harness>();                                              \
    }                                                                                              \
    TEST_CASE(#Harness ": never gives a name twice") {                                             \
        longhaul::test::spool_never_repeats_names<Harness>();                                      \
    }                                                                                              \
    TEST_CASE(#Harness ": tells how the last epoch ended") {                                       \
        longhaul::test::spool_tells_previous_end<Harness>();                                       \
    }                                                                                              \
    TEST_CASE(#Harness ": tells of a power cut when the record that does is dropped unsent") {     \
        longhaul::test::spool_tells_of_a_cut_that_no_record_tells_of<Harness>();                   \
    }                                                                                              \
    TEST_CASE(#Harness ": tells of no power cut where an epoch ended in good order") {             \
        longhaul::test::spool_tells_of_no_cut_where_none_was<Harness>();                           \
    }                                                                                              \
    TEST_CASE(#Harness ": tells of a power cut when the record that did is void and dropped") {    \
        longhaul::test::spool_tells_of_a_cut_whose_record_is_void<Harness>();                      \
    }                                                                                              \
    TEST_CASE(#Harness ": tells of a power cut before blocks that were dropped at once") {         \
        longhaul::test::spool_tells_of_a_cut_before_what_was_dropped_at_once<Harness>();           \
    }                                                                                              \
    TEST_CASE(#Harness ": 1..highest is kept, acknowledged or lost, in every scenario") {          \
        longhaul::test::spool_stands_scenarios<Harness>();                                         \
    }                                                                                              \
    TEST_CASE(#Harness ": 1..highest is kept, acknowledged or lost, in random histories") {        \
        longhaul::test::spool_stands_random_histories<Harness>(40);                                \
    }
