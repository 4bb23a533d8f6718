// A lake of several tenants whose journal was lost: each goes on with its own.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <deque>

#include "tests/unit/tools/adopt_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

// The tenants have devices of the same names, whose blocks bear the same names, too; each sample
// has a value that says whose it is.
struct TenantsBench : AdoptBench {
    explicit TenantsBench(Shard shards) { journal_settings.shards_if_new = shards; }

    struct Device {
        const char* tenant;
        EpochMaker maker;
        std::int64_t value;
        Shard shard;
    };
    Device& add(const char* tenant, const char* device, std::int64_t value) {
        if (!journal) REQUIRE(start());
        EpochMaker made{tenant, device, 7, 1, sealing_key(), tenant};
        made.stream(1, "thing", *thing);
        devices.push_back({tenant, made, value, journal->shard_of(tenant, device)});
        return devices.back();
    }
    void meet(const Device& of) {
        schema(*thing, of.tenant, of.shard);
        epoch(of.maker, of.shard);
    }
    void meet_all() {
        for (const Device& each : devices) meet(each);
    }
    void send(const Device& of, const std::vector<std::uint32_t>& numbers,
              std::int64_t time_us = noon_us) {
        for (const std::uint32_t number : numbers) {
            Body body;
            body.samples(1, *thing, {noon_us + number}, {{Value::of_integer(of.value)}});
            block(of.maker, of.maker.block(number, body), time_us, of.shard);
        }
    }
    Rows rows_in(const std::string& tenant) {
        return rows(tenant + "/thing", {"device", "seq", "value"});
    }
    Rows lost_in(const std::string& tenant) {
        return rows(tenant + "/_losses", {"device", "first_seq", "last_seq", "reason"});
    }

    std::deque<Device> devices;
};

std::string seq_of(std::uint32_t number) {
    return std::to_string(BlockSeq::of(BlockClass::normal, number).value);
}

void add_rows(Rows& rows, const char* device, const std::vector<std::uint32_t>& numbers,
              const char* value) {
    for (const std::uint32_t number : numbers)
        rows.push_back(std::string{device} + "|" + seq_of(number) + "|" + value);
}

std::string loss_of(const char* device, std::uint32_t first, std::uint32_t last) {
    return std::string{device} + "|" + seq_of(first) + "|" + seq_of(last) + "|journal_lost";
}

}  // namespace

TEST_CASE("adopt: of several tenants each goes on with its own rows, and nothing of another's") {
    const Shard shards = GENERATE(Shard{1}, Shard{3});
    const bool snapshots = GENERATE(false, true);
    CAPTURE(shards, snapshots);
    TenantsBench bench{shards};
    bench.with_snapshots = snapshots;
    bench.settings.snapshot_bytes = 1;
    const auto& first = bench.add("acme", "bus-1", 1);
    const auto& second = bench.add("acme", "bus-2", 2);
    const auto& rival = bench.add("rival", "bus-1", 3);
    const auto& other = bench.add("rival", "bus-3", 4);
    bench.meet_all();
    bench.send(first, {1, 2, 5});
    bench.send(second, {1});
    bench.send(rival, {3, 4});
    bench.send(other, {1, 2});
    REQUIRE(bench.drain().empty());
    for (const auto& each : bench.devices) {
        bench.send(each, {6});  // the last barrier of its shard
        REQUIRE(bench.drain().empty());
    }
    bench.lose_journal();
    const auto report = bench.adopt();
    REQUIRE(report.ok());
    CHECK((report.value().devices == 4 && report.value().epochs == 4));
    CHECK(report.value().lake.rows == 12);

    REQUIRE(bench.start());
    REQUIRE(bench.drain().empty());
    bench.meet_all();
    // What only the other tenant's table has of this name is new here.
    bench.send(first, {2, 3, 5, 6}, adopted_us + 1);
    bench.send(second, {1, 2, 6}, adopted_us + 1);
    bench.send(rival, {1, 3, 6, 8}, adopted_us + 1);
    bench.send(other, {2, 6}, adopted_us + 1);
    REQUIRE(bench.drain().empty());
    REQUIRE(bench.start());
    REQUIRE(bench.drain().empty());
    bench.close();

    Rows acme;
    add_rows(acme, "bus-1", {1, 2, 3, 5, 6}, "1");
    add_rows(acme, "bus-2", {1, 2, 6}, "2");
    CHECK(bench.rows_in("acme") == acme);
    Rows of_rival;
    add_rows(of_rival, "bus-1", {1, 3, 4, 6, 8}, "3");
    add_rows(of_rival, "bus-3", {1, 2, 6}, "4");
    CHECK(bench.rows_in("rival") == of_rival);
    CHECK(bench.lost_in("acme") == Rows{loss_of("bus-1", 4, 4), loss_of("bus-2", 3, 5)});
    CHECK(bench.lost_in("rival") == Rows{loss_of("bus-1", 2, 2), loss_of("bus-1", 5, 5),
                                         loss_of("bus-1", 7, 7), loss_of("bus-3", 3, 5)});
    for (const char* const tenant : {"acme", "rival"}) {
        CHECK(bench.rows(std::string{tenant} + "/_epochs", {"device"}).size() == 2);
        CHECK(bench.rows(std::string{tenant} + "/_quarantine", {"device"}).empty());
    }
    const AuditReport audited = bench.report();
    CAPTURE(audited.problems);
    CHECK(holds(audited));
    CHECK((audited.devices == 4 && audited.totals.awaited == 0 && audited.totals.lost == 10));
}

TEST_CASE("adopt: a close is also of a tenant that had no rows when its journal was lost") {
    for (const bool told : {false, true}) {
        CAPTURE(told);
        TenantsBench bench{1};
        const auto& acme = bench.add("acme", "bus-1", 1);
        bench.meet(acme);
        bench.send(acme, {1});
        REQUIRE(bench.drain().empty());
        const auto& rival = bench.add("rival", "bus-1", 2);
        bench.meet(rival);
        bench.send(rival, {1, 2, 3});  // acknowledged, and in no table
        bench.lose_journal();
        REQUIRE(bench.adopt().ok());
        REQUIRE(bench.start());
        bench.meet_all();
        bench.send(acme, {1}, adopted_us + 1);
        bench.send(rival, {4}, adopted_us + 1);
        // What the device lists itself is not listed once more.
        if (told) bench.tell_with(rival.maker, 5, {lost({1, 1}, {1, 2}, 2)});
        REQUIRE(bench.drain().empty());
        REQUIRE(bench.start());
        bench.close();
        const std::string by_device = "bus-1|" + seq_of(1) + "|" + seq_of(2) + "|full";
        CHECK(bench.lost_in("rival") ==
              (told ? Rows{by_device, loss_of("bus-1", 3, 3)} : Rows{loss_of("bus-1", 1, 3)}));
        CHECK(bench.lost_in("acme").empty());
        CHECK(holds(bench.report()));
    }
}
