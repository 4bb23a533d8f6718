// Upkeep that is asked to stop in the middle: nothing is left half, and the next one does it.
#include <catch2/catch_test_macros.hpp>

#include "collector/lake/upkeep.hpp"
#include "tests/unit/collector/lake/lake_fixture.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

WallUs days_later(std::int64_t days) { return {fixture_now.value + days * day_us}; }

// What failed of it.
std::uint64_t clean(BusLake& lake, WallUs now) {
    Upkeep upkeep{lake.store, {}, {}};
    upkeep.look_after_all(Upkeep::cleaning, now);
    return upkeep.counters().failures;
}

}  // namespace

TEST_CASE("compaction: gives up at each file and row group, and the next one does it") {
    for (int asked = 0;; ++asked) {
        CAPTURE(asked);
        BusLake lake;
        lake.fill(1, 4);
        const auto before = rows_of(lake.store, lake.folder);
        DeltaTable table{lake.store, lake.folder};
        REQUIRE(table.refresh().ok());
        const auto plan = plan_compaction(table.state(), {}, days_later(2), {});
        int left = asked;
        const StopAsked stop = [&left] { return left-- == 0; };
        std::string faulty;
        const auto made = compact(lake.store, table, *plan, days_later(2), stop, faulty);
        CHECK(faulty.empty());
        if (made.ok()) {
            // Before each of the files, with each of their pieces and behind the last one, before
            // the new one is named, with its piece and at its end.
            CHECK(asked == 4 + 2 * 4 + 1 + 2);
            break;
        }
        CHECK(made.error().code == ErrorCode::closed);
        CHECK(lake.store.list("_unfinished").value().empty());
        CHECK(lake.state().files.size() == 4);
        REQUIRE(compact(lake.store, table, *plan, days_later(2), nobody_asks, faulty).ok());
        CHECK(lake.state().files.size() == 1);
        CHECK(rows_of(lake.store, lake.folder) == before);
    }
}

TEST_CASE(
    "upkeep: gives up expiry and clean-up wherever it is asked to, and the next one does them") {
    for (int asked = 0;; ++asked) {
        CAPTURE(asked);
        BusLake lake;
        lake.fill(1, 6, 2);
        const auto before = rows_of(lake.store, lake.folder);
        int left = asked;
        bool stopped = false;
        std::vector<std::string> told;
        Upkeep upkeep{lake.store,
                      {},
                      {[&] { return stopped = stopped || left-- == 0; },
                       [&](const Upkeep::Note& note) {
                           if (note.problem) told.push_back(note.text);
                       }}};
        upkeep.look_after(lake.folder, Upkeep::cleaning, days_later(731));
        upkeep.look_after(lake.folder, Upkeep::cleaning, days_later(740));
        CHECK(told.empty());
        CHECK(upkeep.counters().failures == 0);
        const auto after = rows_of(lake.store, lake.folder);
        CHECK((after == before || after.empty()));
        CHECK(clean(lake, days_later(740)) == 0);
        CHECK(rows_of(lake.store, lake.folder).empty());
        CHECK(rows_of(lake.store, "acme/_expired").size() == 6);
        CHECK(clean(lake, days_later(748)) == 0);
        CHECK(lake.store.list(lake.folder + "/receive_date=2026-11-21").value().empty());
        if (stopped) continue;
        CHECK(asked > 6 + 6);  // files that are counted, and removed
        break;
    }
}
