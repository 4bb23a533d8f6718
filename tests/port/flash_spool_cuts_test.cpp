// Power is cut at each step of each scenario, in each way in which a step can be torn.
//
// A script runs once. At each program and erase that it makes, a copy is taken of the flash and of
// the model beside it; in the copy power is cut in that step, and the history goes on from there to
// its end: a few blocks more, everything drained, nothing unaccounted for.
//
// LH_SPOOL_CUTS=all takes every step; without it, a share of them that takes some seconds.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/port/flash_spool_harness.hpp"
#include "tests/port/spool_scenarios.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using sim::SimFlash;

namespace {

bool all_cuts() {
    const char* const wanted = std::getenv("LH_SPOOL_CUTS");
    return wanted != nullptr && std::string_view{wanted} == "all";
}

struct CutPlan {
    std::uint32_t seed = 1;
    std::uint32_t every = 1;     // takes one step of so many, by the seed
    std::uint32_t twice_of = 4;  // of so many cuts one is followed by another
    bool loses_unsynced = false;
};

// What comes after a cut.
test::SpoolScript aftermath() {
    using enum test::SpoolStep::What;
    using enum BlockClass;
    return {{append, normal, 2}, {append, alarm, 1, 90}, {boot}, {mark, normal, 3}};
}

template <class Harness>
class CutRun {
 public:
    using History = test::SpoolHistory<Harness>;

    explicit CutRun(const CutPlan& plan) : plan_{plan}, random_{plan.seed} {}

    void run(const test::SpoolScenario& scenario) {
        History history{scenario.policy};
        run(history, scenario);
    }
    void run(History& history, const test::SpoolScenario& scenario) {
        SimFlash& flash = history.harness.device.flash;
        if (plan_.loses_unsynced) flash.lose_unsynced();
        flash.on_step = [&](const SimFlash::Step& step) { cut(history, scenario, step); };
        history.run(scenario.script);
        flash.on_step = nullptr;
        history.drain();
    }
    std::size_t cuts() const { return cuts_; }

 private:
    void cut(History& history, const test::SpoolScenario& scenario, const SimFlash::Step& step) {
        ++steps_;
        if (random_() % plan_.every != 0) return;
        for (const SimFlash::Torn torn : SimFlash::torn_modes) {
            const auto seed = static_cast<std::uint32_t>(random_());
            const std::uint64_t next = random_() % plan_.twice_of == 0 ? 1 + random_() % 40 : 0;
            const auto next_torn = SimFlash::torn_modes[random_() % SimFlash::torn_modes.size()];
            INFO("step " << steps_ << ", torn " << static_cast<int>(torn) << ", seed " << seed
                         << ", cut again after " << next);
            const SimFlash& flash = history.harness.device.flash;
            History after{
                history, Harness{flash.cut_in(step, torn, seed), scenario.policy, next, next_torn}};
            after.resume();
            after.run(aftermath());
            after.drain();
            REQUIRE(after.cuts() != 0);
            cuts_ += after.cuts();
        }
    }

    CutPlan plan_;
    std::mt19937 random_;
    std::size_t steps_ = 0;
    std::size_t cuts_ = 0;
};

template <class Harness>
void stand_cuts(const char* name, CutPlan plan) {
    if (all_cuts()) plan.every = 1;
    CutRun<Harness> run{plan};
    CAPTURE(plan.seed, plan.every);
    for (const test::SpoolScenario& scenario : test::spool_scenarios(Harness::small_bytes)) {
        INFO(scenario.name);
        run.run(scenario);
    }
    for (std::uint32_t seed = 1; seed <= 3; ++seed) {
        CAPTURE(seed);
        run.run({"random", test::random_policy(seed, Harness::small_bytes),
                 test::random_script(seed, 40)});
    }
    std::printf("%s: %zu cuts, seed %u\n", name, run.cuts(), plan.seed);
}

using NorFlashSpool = test::FlashSpoolHarness<4096, 1, 4>;
using EccFlashSpool = test::FlashSpoolHarness<4096, 8, 4>;
using PageFlashSpool = test::FlashSpoolHarness<8192, 256, 3>;

}  // namespace

TEST_CASE("flash spool: nothing committed is lost, wherever power fails, on NOR flash", "[cuts]") {
    stand_cuts<NorFlashSpool>("NOR flash", {1, 40, 4, false});
}
TEST_CASE("flash spool: nothing committed is lost, wherever power fails, on words programmed once",
          "[cuts]") {
    stand_cuts<EccFlashSpool>("words of 8 bytes", {2, 40, 4, false});
}
TEST_CASE("flash spool: nothing committed is lost, wherever power fails, on pages programmed once",
          "[cuts]") {
    stand_cuts<PageFlashSpool>("pages of 256 bytes", {3, 40, 4, false});
}
TEST_CASE("flash spool: nothing committed is lost when what was not synced is", "[cuts]") {
    stand_cuts<NorFlashSpool>("unsynced steps lost", {4, 40, 4, true});
}

// Its state moves, and no sector can be taken: one is freed that no core names yet.
TEST_CASE("flash spool: nothing is lost unseen when power fails while the state has no room",
          "[cuts]") {
    using enum test::SpoolStep::What;
    using enum BlockClass;
    using Harness = test::FlashSpoolHarness<4096, 1, 8>;
    const std::uint32_t many = test::more_than(Harness::small_bytes);
    const std::array<test::SpoolScenario, 6> cases{{
        {"what is done with goes",
         test::stop_at(UINT64_MAX),
         {{fill, normal, many}, {mark, normal, 30}}},
        {"of two classes",
         test::stop_at(UINT64_MAX),
         {{fill, normal, 20}, {fill, live, many}, {mark, live, 20}, {mark, normal, 12}}},
        {"what waits goes, by policy",
         test::when_full(WhenFull::drop_oldest, UINT64_MAX),
         {{fill, bulk, 15}, {fill, normal, many}}},
        {"the only sector of the lowest, which no core knows",
         test::stop_at(UINT64_MAX),
         {{fill, bulk, 1}, {fill, normal, many}, {fill, bulk, 4}}},
        {"what waits goes, although nothing may",
         test::stop_at(UINT64_MAX),
         {{fill, normal, many}}},
        {"in another epoch",
         test::stop_at(UINT64_MAX),
         {{fill, live, 5}, {boot}, {fill, normal, many}, {mark, normal, 3}, {boot}}},
    }};
    // When a lane goes bad, the first value makes it move.
    test::SpoolScript values;
    for (std::uint32_t i = 0; i < 24; ++i) values.push_back({state, alarm, 1 + i % 2, 400});
    const test::SpoolScript few{values.begin(), values.begin() + 2};
    CutPlan plan{5, 20, 4, false};
    CutPlan plan_of_few{6, 2, 4, false};
    if (all_cuts()) plan.every = plan_of_few.every = 1;
    CutRun<Harness> run{plan};
    CutRun<Harness> run_of_few{plan_of_few};
    for (const test::SpoolScenario& each : cases) {
        for (const bool bad_lane : {false, true}) {
            INFO(each.name << (bad_lane ? ", a lane goes bad" : ""));
            CutRun<Harness>::History history{each.policy};
            history.marks_may_drop = true;
            history.run(each.script);
            SimFlash& flash = history.harness.device.flash;
            auto bad = test::free_sectors(flash);
            if (bad_lane) bad.push_back(test::sectors_of(flash, chain_state)[0]);
            for (const std::uint32_t sector : bad) flash.set_fault(sector, SimFlash::Fault::error);
            auto& cuts = bad_lane ? run_of_few : run;
            cuts.run(history, {each.name, each.policy, bad_lane ? few : values});
        }
    }
    std::printf("no free sector: %zu cuts, seeds %u and %u\n", run.cuts() + run_of_few.cuts(),
                plan.seed, plan_of_few.seed);
}
