#include "collector/session/known_devices.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace longhaul;
using namespace longhaul::collector;

namespace {

using Ranges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

Ranges ranges(const KnownDevices& known, std::uint32_t oldest, std::uint32_t newest) {
    Ranges result;
    for (const auto& range : known.epochs("acme", "bus-1", {7}, {oldest}, {newest})) {
        result.emplace_back(range.first, range.last);
    }
    return result;
}

}  // namespace

TEST_CASE("known devices: epochs come as ranges between the oldest and newest asked for") {
    KnownDevices known;
    for (const std::uint32_t epoch : {1U, 2U, 3U, 5U, 9U, 10U}) {
        known.add_epoch("acme", "bus-1", {7}, {epoch});
    }
    CHECK(ranges(known, 1, 10) == Ranges{{1, 3}, {5, 5}, {9, 10}});
    CHECK(ranges(known, 2, 9) == Ranges{{2, 3}, {5, 5}, {9, 9}});
    CHECK(ranges(known, 6, 8).empty());
    CHECK(ranges(known, 0, 0).empty());
    CHECK(ranges(known, 10, 1).empty());
    CHECK(ranges(known, 10, UINT32_MAX) == Ranges{{10, 10}});
}

TEST_CASE("known devices: when there are too many ranges the newest are named") {
    KnownDevices known;
    for (std::uint32_t epoch = 1; epoch < 100; epoch += 2) {
        known.add_epoch("acme", "bus-1", {7}, {epoch});
    }
    const Ranges named = ranges(known, 1, 100);
    REQUIRE(named.size() == limits::known_epochs_max);
    CHECK(named.back() == std::pair<std::uint32_t, std::uint32_t>{99, 99});
    CHECK(named.front() == std::pair<std::uint32_t, std::uint32_t>{69, 69});
}

TEST_CASE("known devices: one that opens epochs without end does not take memory without end") {
    KnownDevices known;
    constexpr auto max = static_cast<std::uint32_t>(KnownDevices::epochs_max);
    for (std::uint32_t epoch = 2; epoch <= max + 10; ++epoch)
        known.add_epoch("acme", "bus-1", {7}, {epoch});
    CHECK(ranges(known, 1, UINT32_MAX) == Ranges{{11, max + 10}});
    known.add_epoch("acme", "bus-1", {7}, {1});  // what is asked for next is its blocks
    CHECK(ranges(known, 1, UINT32_MAX) == Ranges{{1, 1}, {11, max + 9}});
    for (std::uint32_t incarnation = 99; incarnation > 7; --incarnation)
        known.add_epoch("acme", "bus-1", {incarnation}, {1});
    std::size_t left = 0;
    for (std::uint32_t incarnation = 0; incarnation < 100; ++incarnation)
        left += known.has_epoch("acme", "bus-1", {incarnation}, {1}) ? 1U : 0U;
    CHECK(left == KnownDevices::incarnations_max);
    CHECK(known.has_epoch("acme", "bus-1", {8}, {1}));
}

TEST_CASE("known devices: another tenant, device, incarnation or shard is another") {
    KnownDevices known;
    known.add_epoch("acme", "bus-1", {7}, {3});
    CHECK(known.has_epoch("acme", "bus-1", {7}, {3}));
    CHECK_FALSE(known.has_epoch("acme", "bus-1", {7}, {4}));
    CHECK_FALSE(known.has_epoch("acme", "bus-1", {8}, {3}));
    CHECK_FALSE(known.has_epoch("acme", "bus-2", {7}, {3}));
    CHECK_FALSE(known.has_epoch("rival", "bus-1", {7}, {3}));
    SchemaHash hash{};
    known.add_schema(0, "acme", hash);
    known.add_schema(0, "acme", hash);
    CHECK(known.has_schema(0, "acme", hash));
    CHECK_FALSE(known.has_schema(1, "acme", hash));
    CHECK_FALSE(known.has_schema(0, "rival", hash));
    CHECK(known.schemas(0, "acme") == 1);
    CHECK(known.schemas(0, "rival") == 0);
}
