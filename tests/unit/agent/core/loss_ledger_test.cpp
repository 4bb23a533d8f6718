#include "agent/core/loss_ledger.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <set>
#include <vector>

using namespace longhaul;
using namespace longhaul::agent;

namespace {

Loss lost(std::uint32_t epoch, std::uint32_t first, std::uint32_t last,
          BlockClass block_class = BlockClass::normal, LossReason reason = LossReason::full) {
    return {block_class,       reason,        {{epoch}, first}, {{epoch}, last},
            last - first + 1U, 1000L * first, 1000L * last};
}

std::uint64_t samples_of(const LossLedger& ledger) {
    std::uint64_t samples = 0;
    for (const Loss& loss : ledger.entries()) samples += loss.samples;
    return samples;
}

LossLedger stored_and_read(const LossLedger& ledger) {
    std::array<std::byte, LossLedger::stored_bytes_max> room;
    ByteWriter out{room};
    ledger.write(out);
    REQUIRE(out.ok());
    ByteReader in{out.written()};
    LossLedger read;
    REQUIRE(read.read(in).ok());
    REQUIRE(in.at_end());
    return read;
}

}  // namespace

TEST_CASE("loss ledger: neighbours of one class and reason become one entry") {
    LossLedger ledger;
    ledger.add(lost(3, 5, 6));
    ledger.add(lost(3, 9, 9));
    ledger.add(lost(3, 7, 8));
    REQUIRE(ledger.entries().size() == 1);
    CHECK(ledger.entries()[0] == lost(3, 5, 9));
    ledger.add(lost(3, 10, 10, BlockClass::live));
    ledger.add(lost(3, 10, 10, BlockClass::normal, LossReason::corrupt));
    ledger.add(lost(4, 10, 10));
    ledger.add(lost(3, 11, 11));
    CHECK(ledger.entries().size() == 5);
}

TEST_CASE("loss ledger: is never full, and no sample is forgotten") {
    std::mt19937 random{7};
    LossLedger ledger;
    std::uint64_t samples = 0;
    std::vector<Loss> added;
    for (std::uint32_t epoch = 1; epoch <= 500; ++epoch) {
        const auto first = static_cast<std::uint32_t>(1 + random() % 50);
        const Loss loss =
            lost(epoch, first, first + static_cast<std::uint32_t>(random() % 20),
                 static_cast<BlockClass>(random() % 4), static_cast<LossReason>(1 + random() % 4));
        ledger.add(loss);
        added.push_back(loss);
        samples += loss.samples;
        REQUIRE(ledger.entries().size() <= LossLedger::entries_max);
        REQUIRE(samples_of(ledger) == samples);
    }
    for (const Loss& loss : added) {
        const bool listed = std::any_of(
            ledger.entries().begin(), ledger.entries().end(), [&loss](const Loss& entry) {
                return entry.block_class == loss.block_class && entry.first <= loss.first &&
                       loss.last <= entry.last;
            });
        CHECK(listed);
    }
}

TEST_CASE("loss ledger: what nobody knows is said once, and merged with nothing") {
    LossLedger ledger;
    const Loss unknown{BlockClass::alarm, LossReason::unreadable, {}, {}, 0, 0, 0};
    ledger.add(unknown);
    ledger.add(lost(1, 5, 9, BlockClass::alarm));
    ledger.add(unknown);
    for (std::uint32_t n = 0; n < 40; ++n) ledger.add(lost(2, 1 + 10 * n, 1 + 10 * n));
    std::size_t unknowns = 0;
    for (const Loss& loss : ledger.entries()) unknowns += loss.first.epoch.value == 0 ? 1 : 0;
    CHECK(unknowns == 1);
    CHECK(ledger.entries()[0] == unknown);
    CHECK(ledger.entries()[1] == lost(1, 5, 9, BlockClass::alarm));
    CHECK(samples_of(ledger) == 5 + 40);

    ledger.tell(1, BlockClass::alarm, {{3}, 1});
    ledger.add(unknown);  // another one, which the carrier under way does not tell of
    CHECK(ledger.entries().back() == unknown);
}

TEST_CASE("loss ledger: the two that lie closest become one") {
    LossLedger ledger;
    for (std::uint32_t n = 0; n < LossLedger::entries_max; ++n)
        ledger.add(lost(1, 1 + 100 * n, 1 + 100 * n));
    ledger.add(lost(1, 104, 104));
    REQUIRE(ledger.entries().size() == LossLedger::entries_max);
    // 101 and 201 were as close as all others when room was needed, the first pair was taken.
    CHECK(ledger.entries()[0].first.number == 1);
    CHECK(ledger.entries()[0].last.number == 101);
    CHECK(ledger.entries()[0].samples == 2);
}

TEST_CASE("loss ledger: one carrier at a time, and what it tells does not change under way") {
    LossLedger ledger;
    for (std::uint32_t n = 0; n < 15; ++n) ledger.add(lost(1, 1 + 10 * n, 1 + 10 * n));
    REQUIRE(ledger.to_tell().size() == LossLedger::to_tell_max);
    ledger.tell(LossLedger::to_tell_max, BlockClass::alarm, {{2}, 7});
    CHECK(ledger.to_tell().empty());
    CHECK(ledger.is_carrier(BlockClass::alarm, {{2}, 7}));
    CHECK_FALSE(ledger.is_carrier(BlockClass::live, {{2}, 7}));

    ledger.add(lost(1, 2, 2));  // adjoins one that is told
    CHECK(ledger.entries().size() == 16);
    CHECK(stored_and_read(ledger) == ledger);

    SECTION("it arrives") {
        ledger.forget_told();
        CHECK(ledger.entries().size() == 4);
        CHECK_FALSE(ledger.is_carrier(BlockClass::alarm, {{2}, 7}));
        CHECK(ledger.to_tell().size() == 4);
    }
    SECTION("it is lost") {
        ledger.tell_again();
        CHECK(ledger.entries().size() == 16);
        CHECK(ledger.to_tell().size() == LossLedger::to_tell_max);
    }
}

TEST_CASE("loss ledger: a full one under way makes place among what is not told") {
    LossLedger ledger;
    for (std::uint32_t n = 0; n < LossLedger::entries_max; ++n) ledger.add(lost(1 + n, 1, 1));
    ledger.tell(LossLedger::to_tell_max, BlockClass::alarm, {{90}, 1});
    const std::vector<Loss> told(ledger.entries().begin(),
                                 ledger.entries().begin() + LossLedger::to_tell_max);
    for (std::uint32_t n = 0; n < 40; ++n) ledger.add(lost(50 + n, 1, 1, BlockClass::bulk));
    CHECK(std::equal(told.begin(), told.end(), ledger.entries().begin()));
    CHECK(samples_of(ledger) == LossLedger::entries_max + 40);
    CHECK(stored_and_read(ledger) == ledger);
}

TEST_CASE("loss ledger: nonsense is refused") {
    LossLedger ledger;
    ledger.add(lost(1, 1, 2));
    std::array<std::byte, LossLedger::stored_bytes_max> room;
    ByteWriter out{room};
    ledger.write(out);
    const Bytes good = out.written();
    for (std::size_t bytes = 0; bytes < good.size(); ++bytes) {
        ByteReader in{good.first(bytes)};
        CHECK_FALSE(LossLedger{}.read(in).ok());
    }
    for (const std::size_t at : {0U, 1U, 2U, 11U}) {  // counts and classes
        std::vector<std::byte> bad(good.begin(), good.end());
        bad[at] = std::byte{77};
        ByteReader in{bad};
        CHECK_FALSE(LossLedger{}.read(in).ok());
    }
}
