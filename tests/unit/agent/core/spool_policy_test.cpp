#include "agent/core/spool_policy.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "agent/core/sent_marks.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

using enum BlockClass;
using enum WhenFull;
using Kind = RoomDecision::Kind;

constexpr ClassUse none{};
ClassUse waits(std::uint64_t bytes) { return {bytes, true}; }
ClassUse on_its_way(std::uint64_t bytes) { return {bytes, false}; }

struct Case {
    const char* what;
    std::array<ClassPolicy, block_class_count> classes;
    SpoolUse use;
    BlockClass block_class;
    std::uint64_t bytes;
    RoomDecision expected;
};

constexpr std::array<ClassPolicy, block_class_count> shares{{{20}, {10}, {10}, {0}}};
constexpr std::array<ClassPolicy, block_class_count> no_shares{{{0}, {0}, {0}, {0}}};
constexpr std::array<ClassPolicy, block_class_count> stopping{
    {{0, stop}, {0, stop}, {0, stop}, {0, stop}}};

// Of 1000 bytes; who finds room.
std::vector<Case> cases_of_room() {
    return {
        {"an empty spool takes everything", no_shares, {}, bulk, 1000, {Kind::store, bulk}},
        {"up to the bound",
         no_shares,
         {none, none, waits(900), none},
         bulk,
         100,
         {Kind::store, bulk}},
        {"a byte beyond the bound drops the oldest of its class",
         no_shares,
         {none, none, none, waits(950)},
         bulk,
         51,
         {Kind::drop, bulk}},
        {"what others have reserved is not used",
         shares,
         {none, none, none, waits(550)},
         bulk,
         51,
         {Kind::drop, bulk}},
        {"but what is reserved for oneself is",
         shares,
         {none, none, waits(600), none},
         normal,
         100,
         {Kind::store, normal}},
        {"use within a share costs the others nothing",
         shares,
         {waits(200), none, none, waits(550)},
         bulk,
         50,
         {Kind::store, bulk}},
        {"a share is there whatever the others have",
         shares,
         {none, waits(100), waits(100), waits(600)},
         alarm,
         200,
         {Kind::store, alarm}},
    };
}

// Who goes for whom.
std::vector<Case> cases_of_dropping() {
    return {
        {"the lowest class goes first",
         no_shares,
         {waits(100), waits(300), waits(300), waits(300)},
         alarm,
         10,
         {Kind::drop, bulk}},
        {"then the next",
         no_shares,
         {waits(100), waits(300), waits(600), none},
         alarm,
         10,
         {Kind::drop, normal}},
        {"a lower class keeps its share",
         shares,
         {waits(700), waits(200), waits(100), none},
         live,
         10,
         {Kind::drop, live}},
        {"a lower class never drops a higher one",
         no_shares,
         {waits(1000), none, none, none},
         bulk,
         10,
         {Kind::stop, bulk}},
        {"what is on its way stays",
         no_shares,
         {none, none, none, on_its_way(1000)},
         bulk,
         10,
         {Kind::stop, bulk}},
        {"and the next class goes for it",
         no_shares,
         {none, none, waits(500), on_its_way(500)},
         live,
         10,
         {Kind::drop, normal}},
        {"a class that stops loses nothing to a higher one",
         stopping,
         {none, none, none, waits(1000)},
         alarm,
         10,
         {Kind::stop, alarm}},
        {"the newest is dropped where that is the rule",
         {{{0}, {0}, {0}, {0, drop_newest}}},
         {none, none, none, waits(1000)},
         bulk,
         10,
         {Kind::drop_new, bulk}},
        {"but a lower class goes before the newest of a higher",
         {{{0}, {0}, {0, drop_newest}, {0}}},
         {none, none, waits(500), waits(500)},
         normal,
         10,
         {Kind::drop, bulk}},
        {"a block larger than everything stops", no_shares, {}, bulk, 1001, {Kind::stop, bulk}},
    };
}

}  // namespace

TEST_CASE("policy: who finds room, and who goes for whom") {
    const auto check = [](const Case& each) {
        CAPTURE(each.what);
        const SpoolPolicy policy{1000, each.classes};
        CHECK(decide_room(policy, each.use, each.block_class, each.bytes) == each.expected);
    };
    for (const Case& each : cases_of_room()) check(each);
    for (const Case& each : cases_of_dropping()) check(each);
}

TEST_CASE("policy: a use beyond the bound, as after a smaller bound was configured, is no room") {
    const SpoolPolicy policy{1000, no_shares};
    const SpoolUse use{none, none, on_its_way(5000), none};
    CHECK(decide_room(policy, use, alarm, 1).kind == Kind::stop);
}

TEST_CASE("sent marks: the backlog up to one place, what came since up to another") {
    SentOfClass sent;
    CHECK_FALSE(sent.contains({{1}, 1}));
    sent.backlog = {{2}, 5};
    CHECK(sent.contains({{1}, 900}));
    CHECK(sent.contains({{2}, 5}));
    CHECK_FALSE(sent.contains({{2}, 6}));
    sent.live_after = {{3}, 7};
    CHECK_FALSE(sent.contains({{3}, 7}));
    CHECK_FALSE(sent.contains({{3}, 8}));
    sent.live = {{3}, 9};
    CHECK(sent.contains({{3}, 8}));
    CHECK(sent.contains({{3}, 9}));
    CHECK_FALSE(sent.contains({{3}, 7}));
    CHECK_FALSE(sent.contains({{3}, 10}));
}
