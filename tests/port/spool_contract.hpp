// What agent/core/spool.hpp promises, as tests of any spool. Include it after defining a harness:
//
//   struct MyHarness {
//       static constexpr bool survives_reboot = true;      // restart() loses what was in memory
//       only agent::Spool& open(std::uint64_t bytes_max);       // the first time: formats a new
//       spool agent::Spool& restart();                           // with the bound of open()
//   };
//   LH_SPOOL_CONTRACT(MyHarness)
#pragma once

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "agent/core/spool.hpp"

namespace longhaul::test {

inline SchemaHash hash_numbered(std::uint8_t number) {
    SchemaHash hash;
    hash.fill(static_cast<std::byte>(number));
    return hash;
}

// A spool with helpers; blocks are known by their numbers.
template <class Harness>
class SpoolBench {
 public:
    explicit SpoolBench(std::uint64_t bytes_max = 1 << 20) : spool{&harness.open(bytes_max)} {}
    void restart() { spool = &harness.restart(); }

    Epoch begin(std::initializer_list<std::uint8_t> schemas = {1}) {
        const auto epoch = spool->begin_epoch();
        REQUIRE(epoch.ok());
        std::vector<SchemaHash> hashes;
        for (const std::uint8_t number : schemas) {
            hashes.push_back(hash_numbered(number));
            const std::string encoded = "schema " + std::to_string(number);
            REQUIRE(spool->store_schema(hashes.back(), as_bytes(encoded)).ok());
        }
        const std::string record = "record " + std::to_string(epoch.value().value);
        REQUIRE(spool->store_epoch(epoch.value(), as_bytes(record), hashes).ok());
        return epoch.value();
    }
    static std::vector<std::byte> bytes_of(Epoch epoch, BlockSeq seq, std::size_t size) {
        std::vector<std::byte> bytes(size);
        for (std::size_t i = 0; i < size; ++i) {
            bytes[i] =
                static_cast<std::byte>(epoch.value * 31 + seq.value * 7 + (seq.value >> 28) + i);
        }
        return bytes;
    }
    Result<std::size_t> append(Epoch epoch, BlockClass block_class, std::uint32_t number,
                               std::size_t size = 500) {
        return append_some(epoch, block_class, number, number, size);
    }
    // Blocks `first` to `last` in one call.
    Result<std::size_t> append_some(Epoch epoch, BlockClass block_class, std::uint32_t first,
                                    std::uint32_t last, std::size_t size = 500) {
        std::vector<std::vector<std::byte>> contents;
        std::vector<agent::SpoolBlock> blocks;
        for (std::uint32_t number = first; number <= last; ++number) {
            const BlockSeq seq = BlockSeq::of(block_class, number);
            const agent::SpoolTag tag{{spool->incarnation(), epoch, seq},
                                      static_cast<std::uint16_t>(number % 256),
                                      std::int64_t{1000} * number,
                                      std::int64_t{1000} * number + 999};
            contents.push_back(bytes_of(epoch, seq, size));
            blocks.push_back({tag, contents.back()});
        }
        return spool->append(blocks);
    }
    // "1.1 1.2 3.1": epoch and number of every waiting block of a class, in the order of next().
    std::string waiting(BlockClass block_class) {
        std::string text;
        Epoch epoch;
        BlockSeq after = BlockSeq::of(block_class, 0);
        std::vector<std::byte> room(20'000);
        for (;;) {
            const auto block = spool->next(block_class, epoch, after, room);
            if (!block.ok()) {
                REQUIRE(block.error() == ErrorCode::not_found);
                return text;
            }
            const agent::SpoolTag& tag = block.value().tag;
            REQUIRE(equal(block.value().sealed,
                          bytes_of(tag.name.epoch, tag.name.seq, block.value().sealed.size())));
            REQUIRE(tag.samples == tag.name.seq.number() % 256);
            REQUIRE(tag.first_us == std::int64_t{1000} * tag.name.seq.number());
            REQUIRE(tag.name.incarnation == spool->incarnation());
            epoch = tag.name.epoch;
            after = tag.name.seq;
            text += (text.empty() ? "" : " ") + std::to_string(epoch.value) + "." +
                    std::to_string(after.number());
        }
    }
    agent::DurableGain mark(Epoch epoch, BlockClass block_class, std::uint32_t first,
                            std::uint32_t last) {
        const auto gain = spool->mark_durable(
            {epoch, BlockSeq::of(block_class, first), BlockSeq::of(block_class, last)});
        REQUIRE(gain.ok());
        return gain.value();
    }

    Harness harness;
    agent::Spool* spool;
};

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
    REQUIRE(bench.append(second, BlockClass::normal, 1, 16'400).ok());
    CHECK(second.value == first.value + 1);
    CHECK(bench.waiting(BlockClass::alarm) == "1.1");
    CHECK(bench.waiting(BlockClass::live).empty());
    CHECK(bench.waiting(BlockClass::normal) == "1.1 1.2 2.1");
    CHECK(bench.waiting(BlockClass::bulk) == "2.1");

    std::vector<std::byte> small(100);
    CHECK(bench.spool->next(BlockClass::bulk, {}, {}, small).error() == ErrorCode::too_large);
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
    SpoolBench<Harness> bench{10'000};
    const Epoch epoch = bench.begin();
    std::uint32_t kept = 0;
    while (kept < 100 && bench.append(epoch, BlockClass::normal, kept + 1).ok()) ++kept;
    CHECK(kept >= 10);
    CHECK(kept <= 20);
    CHECK(bench.append(epoch, BlockClass::normal, kept + 1).error() == ErrorCode::full);
    CHECK(bench.append(epoch, BlockClass::alarm, 1).error() == ErrorCode::full);

    // Durable blocks go, the oldest first, and no more of them than needed.
    bench.mark(epoch, BlockClass::normal, 1, 3);
    REQUIRE(bench.append(epoch, BlockClass::normal, kept + 1).ok());
    REQUIRE(bench.spool->void_durable().ok());
    const std::string waiting = bench.waiting(BlockClass::normal);
    CHECK(waiting.starts_with("1.2 1.3 1.4 "));
    CHECK(waiting.ends_with("." + std::to_string(kept + 1)));
    CHECK(bench.append(epoch, BlockClass::normal, kept + 2).error() == ErrorCode::full);

    bench.restart();
    CHECK(bench.append(epoch, BlockClass::normal, kept + 2).error() == ErrorCode::full);
    CHECK(bench.waiting(BlockClass::normal) == waiting);
}

template <class Harness>
void spool_takes_several() {
    SpoolBench<Harness> bench{10'000};
    const Epoch epoch = bench.begin();
    CHECK(bench.append_some(epoch, BlockClass::normal, 1, 4).value() == 4);
    const auto kept = bench.append_some(epoch, BlockClass::normal, 5, 100);
    REQUIRE(kept.ok());
    CHECK(kept.value() >= 6);
    CHECK(kept.value() <= 16);
    const auto count = static_cast<std::uint32_t>(4 + kept.value());
    CHECK(bench.append_some(epoch, BlockClass::normal, count + 1, 100).error() == ErrorCode::full);

    // Two durable ones make room for two more, and no waiting block goes for a third.
    bench.mark(epoch, BlockClass::normal, 1, 2);
    CHECK(bench.append_some(epoch, BlockClass::normal, count + 1, count + 3).value() == 2);
    bench.restart();
    const std::string waiting = bench.waiting(BlockClass::normal);
    CHECK(waiting.starts_with("1.3 1.4 1.5 "));
    CHECK(waiting.ends_with("." + std::to_string(count + 2)));
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
    CHECK(as_text(bench.spool->read_schema(hash_numbered(3), room).value()) == "schema 3");
    CHECK(bench.spool->read_schema(hash_numbered(9), room).error() == ErrorCode::not_found);
    CHECK(bench.spool->read_schema(hash_numbered(3), MutableBytes{room}.first(3)).error() ==
          ErrorCode::too_large);

    std::array<SchemaHash, 8> out;
    CHECK(bench.spool->epoch_schemas(second, out).value() == 2);
    CHECK(out[0] == hash_numbered(2));
    CHECK(out[1] == hash_numbered(3));
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

// Only of spools that survive a reboot: how the last epoch with a record ended.
template <class Harness>
void spool_tells_previous_end() {
    SpoolBench<Harness> bench{4000};
    CHECK(bench.spool->previous_end().value().epoch.value == 0);
    const Epoch first = bench.begin();
    CHECK(bench.spool->previous_end().value().epoch.value ==
          0);  // as it stood when the spool was opened
    REQUIRE(bench.append(first, BlockClass::alarm, 1).ok());
    for (std::uint32_t n = 1; n <= 3; ++n) REQUIRE(bench.append(first, BlockClass::normal, n).ok());
    // Blocks that were durable and made room count as well.
    bench.mark(first, BlockClass::normal, 1, 3);
    bench.mark(first, BlockClass::alarm, 1, 1);
    for (std::uint32_t n = 1; n <= 5; ++n) REQUIRE(bench.append(first, BlockClass::bulk, n).ok());
    bench.restart();
    auto end = bench.spool->previous_end().value();
    CHECK(end.epoch == first);
    CHECK(end.last_number == std::array<std::uint32_t, 4>{1, 0, 3, 5});
    CHECK(end.last_us[2] == 3999);

    // A boot without a record leaves no trace in the chain.
    REQUIRE(bench.spool->begin_epoch().ok());
    bench.restart();
    CHECK(bench.spool->previous_end().value().epoch == first);
}

}  // namespace longhaul::test

#define LH_SPOOL_CONTRACT(Harness)                                                                 \
    TEST_CASE(#Harness ": yields what waits by class, epoch and seq") {                            \
        longhaul::test::spool_yields_in_order<Harness>();                                          \
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
        if constexpr (Harness::survives_reboot)                                                    \
            longhaul::test::spool_tells_previous_end<Harness>();                                   \
    }
