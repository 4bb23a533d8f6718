// Histories that every spool has to stand, and random ones. `bytes` is the bound of the spool that
// they are run on.
#pragma once

#include <random>

#include "tests/port/spool_history.hpp"
#include "tests/support/spool_policies.hpp"

namespace longhaul::test {

struct SpoolScenario {
    const char* name;
    agent::SpoolPolicy policy;
    SpoolScript script;
};

inline agent::SpoolPolicy with_shares(std::uint64_t bytes) {
    agent::SpoolPolicy policy;
    policy.bytes_max = bytes;
    return policy;
}

// Without losses.
inline std::vector<SpoolScenario> spool_scenarios_of_keeping(std::uint64_t bytes) {
    using enum SpoolStep::What;
    using enum BlockClass;
    const std::uint32_t many = more_than(bytes);
    return {
        {"fills, is drained in part, fills again",
         stop_at(bytes),
         {{fill, normal, many},
          {mark, normal, many / 3},
          {fill, normal, many / 4},
          {boot},
          {fill, live, 9},
          {mark, normal, 20},
          {fill, live, 9}}},
        {"several epochs, state, blocks in groups",
         stop_at(bytes),
         {{append, normal, 4},
          {state, alarm, 1, 20},
          {append, alarm, 2},
          {boot},
          {boot},
          {state, alarm, 2, 0},
          {append, bulk, 3, 700},
          {state, alarm, 1, 300},
          {boot},
          {append, normal, 5, 40},
          {mark, normal, 3},
          {state, alarm, 1, 21},
          {boot},
          {append, live, 1, 0},
          {mark, bulk, 2},
          {boot},
          {append, normal, 2},
          {mark_live, normal, 1}}},
        {"marks in pieces, void, marks again",
         stop_at(bytes),
         {{fill, normal, 12},
          {mark_live, normal, 2},
          {fill, normal, 3},
          {mark_live, normal, 2},
          {mark, normal, 2},
          {boot},
          {fill, normal, 4},
          {mark_live, normal, 3},
          {void_marks},
          {mark, normal, 5},
          {boot},
          {mark, normal, 40},
          {fill, normal, 2},
          {void_marks}}},
    };
}

// With them.
inline std::vector<SpoolScenario> spool_scenarios_of_dropping(std::uint64_t bytes) {
    using enum SpoolStep::What;
    using enum BlockClass;
    const std::uint32_t many = more_than(bytes);
    using agent::WhenFull;
    const auto dropping = when_full(WhenFull::drop_oldest, bytes);
    return {
        {"drops the oldest, tells of it",
         dropping,
         {{fill, normal, many},
          {tell},
          {fill, normal, many / 4},
          {mark, alarm, 1},
          {boot},
          {fill, normal, many / 3},
          {tell},
          {mark, alarm, 3},
          {fill, live, 3}}},
        {"a lower class goes first",
         dropping,
         {{fill, bulk, many / 2},
          {fill, live, many / 2},
          {fill, normal, many / 8},
          {boot},
          {fill, alarm, many / 3},
          {tell},
          {mark, alarm, 3}}},
        {"shares are kept for those that they belong to",
         with_shares(bytes),
         {{fill, bulk, many},
          {fill, alarm, many / 20},
          {fill, normal, many / 2},
          {boot},
          {fill, live, many / 20},
          {fill, bulk, 10},
          {tell}}},
        {"the newest is dropped",
         when_full(WhenFull::drop_newest, bytes),
         {{fill, normal, many},
          {append, normal, 4},
          {boot},
          {mark, normal, many / 3},
          {tell},
          {fill, normal, 5},
          {mark, alarm, 1}}},
        {"what is on its way stays",
         dropping,
         {{fill, bulk, many},
          {send, bulk, many / 2},
          {fill, bulk, many / 4},
          {forget},
          {fill, bulk, many / 8},
          {send, bulk, many},
          {fill, bulk, 3},
          {mark, bulk, many / 3}}},
        {"a carrier is lost itself",
         dropping,
         {{fill, alarm, many}, {tell}, {fill, alarm, many}, {boot}, {tell}, {mark, alarm, 5}}},
    };
}

// Of whole epochs, before anything of them is sent.
inline std::vector<SpoolScenario> spool_scenarios_of_dropped_epochs(std::uint64_t bytes) {
    using enum SpoolStep::What;
    using enum BlockClass;
    const std::uint32_t many = more_than(bytes);
    using agent::WhenFull;
    return {
        {"epochs are dropped whole, and so is what they say of the ones before",
         when_full(WhenFull::drop_oldest, bytes),
         {{fill, normal, 3},
          {append, live, 2},
          {boot},
          {fill, bulk, 3},
          {append, normal, 2},
          {boot},
          {boot},
          {fill, bulk, 4},
          {boot},
          {fill, live, 2 * many},
          {boot},
          {tell},
          {mark, alarm, 3},
          {fill, live, many}}},
        {"epochs of which everything is dropped at once",
         when_full(WhenFull::drop_newest, bytes),
         {{fill, normal, many},
          {boot},
          {append, live, 1},
          {fill, bulk, 2},
          {boot},
          {fill, bulk, 2},
          {boot},
          {mark, normal, many},
          {fill, normal, 4},
          {tell},
          {mark, alarm, 1}}},
    };
}

inline std::vector<SpoolScenario> spool_scenarios(std::uint64_t bytes) {
    std::vector<SpoolScenario> all = spool_scenarios_of_keeping(bytes);
    for (const SpoolScenario& each : spool_scenarios_of_dropping(bytes)) all.push_back(each);
    for (const SpoolScenario& each : spool_scenarios_of_dropped_epochs(bytes)) all.push_back(each);
    return all;
}

// Steps as they come; the seed says which.
inline SpoolScript random_script(std::uint32_t seed, std::size_t steps) {
    std::mt19937 random{seed};
    const auto up_to = [&random](std::uint32_t most) {
        return static_cast<std::uint32_t>(random() % (most + 1));
    };
    SpoolScript script;
    while (script.size() < steps) {
        using enum SpoolStep::What;
        SpoolStep step{fill, static_cast<BlockClass>(up_to(3)), 1 + up_to(9), up_to(900)};
        const std::uint32_t which = up_to(19);
        if (which == 0) step.what = boot;
        if (which == 1) step.what = mark_live;
        if (which == 2 || which == 3) step.what = tell;
        if (which == 4) step.what = send;
        if (which == 5) step.what = forget;
        if (which == 6 || which == 7) step.what = state;
        if (which >= 8 && which <= 10) step.what = mark;
        if (which == 11) step.what = append;
        if (which == 12 && up_to(5) == 0) step.what = void_marks;
        if (step.what == state) step = {state, BlockClass::alarm, 1 + up_to(2), up_to(200)};
        script.push_back(step);
    }
    return script;
}

inline agent::SpoolPolicy random_policy(std::uint32_t seed, std::uint64_t bytes) {
    std::mt19937 random{seed};
    agent::SpoolPolicy policy;
    policy.bytes_max = bytes;
    for (agent::ClassPolicy& each : policy.classes) {
        each.reserve_percent = static_cast<std::uint8_t>(random() % 3 * 10);
        each.when_full = static_cast<agent::WhenFull>(random() % 3);
    }
    return policy;
}

}  // namespace longhaul::test
