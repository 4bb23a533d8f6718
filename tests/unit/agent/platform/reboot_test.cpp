// A device that reboots: what its next epoch record says of the one before.
#include <catch2/catch_test_macros.hpp>
#include <optional>

#include "agent/core/agent.hpp"
#include "agent/platform/linux/earlier_runs.hpp"
#include "agent/platform/linux/sqlite_spool.hpp"
#include "firmware-sim/sim_link.hpp"
#include "tests/support/spool_policies.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/agent/fixtures.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

class Device {
 public:
    Device() { LH_CHECK(crypto_init().ok()); }

    // Boots, stages `samples`, of which those before the last deadline are sealed, and ends.
    void boot(int samples, bool in_order) {
        ListSource source{schema_.stream(BlockClass::live)};
        for (int i = 0; i < samples; ++i) source.put(i, {Value::of_integer(i)}, {1000 * (i + 1)});
        std::array<Source*, 1> sources{&source};
        auto spool = SqliteSpool::open(folder_ / "spool.db", test::stop_at(1 << 20), entropy_);
        REQUIRE(spool.ok());
        AgentSettings settings;
        settings.environment = "test";
        settings.tenant = "acme";
        settings.device = "probe-1";
        settings.firmware = "test 1";
        settings.sealing_key = public_key_of(known_key(9)).value();
        std::vector<std::byte> memory(Agent::memory_bytes(settings, sources));
        Agent agent{
            settings, {*spool.value(), link_, entropy_, identity_, clock_, sources}, memory};
        const MonotonicMs end{1000 * samples + 1};
        for (MonotonicMs now{}; now < end;) now = std::max(now + 1, std::min(agent.poll(now), end));
        if (!in_order) return;
        agent.stop(end);
        agent.poll(end);
        CHECK(agent.stopped());
    }
    // What a run that begins now says of the ones before, until and when it has stored a block.
    std::pair<bool, bool> cut_off_before() {
        auto spool = SqliteSpool::open(folder_ / "spool.db", stop_at(1 << 20), entropy_);
        REQUIRE(spool.ok());
        const auto earlier = EarlierRuns::read(*spool.value());
        REQUIRE(earlier.ok());
        const auto epoch = spool.value()->begin_epoch();
        REQUIRE(epoch.ok());
        return {earlier.value().cut_off(earlier.value().newest),
                earlier.value().cut_off(epoch.value())};
    }
    longhaul_EpochRecord record(std::uint32_t epoch) {
        auto spool = SqliteSpool::open(folder_ / "spool.db", test::stop_at(1 << 20), entropy_);
        REQUIRE(spool.ok());
        std::vector<std::byte> room(signed_epoch_bytes_max);
        const auto bytes = spool.value()->read_epoch({epoch}, room);
        REQUIRE(bytes.ok());
        longhaul_EpochRecord record;
        REQUIRE(parse_epoch_record(parse_signed_epoch(bytes.value()).value().record, record).ok());
        return record;
    }

 private:
    TemporaryFolder folder_;
    OwnedSchema schema_{"probe", {field_of(FieldKind::integer, "a")}, 2500};
    sim::SimLink link_;
    SeededEntropy entropy_;
    KeyIdentity identity_;
    SetClock clock_;
};

}  // namespace

TEST_CASE("reboot: the record tells how far the epoch before came, and whether it ended in order") {
    Device device;
    device.boot(8, true);
    device.boot(8, false);  // power cut: samples 6 to 8 were staged only
    device.boot(1, true);   // seals nothing before it stops
    device.boot(8, true);

    const longhaul_EpochRecord first = device.record(1);
    CHECK(first.previous_epoch == 0);
    CHECK_FALSE(first.previous_clean);

    const longhaul_EpochRecord second = device.record(2);
    CHECK(second.previous_epoch == 1);
    CHECK(second.previous_clean);
    REQUIRE(second.previous_ends_count == 1);
    CHECK(second.previous_ends[0].block_class == static_cast<std::uint32_t>(BlockClass::live));
    CHECK(second.previous_ends[0].last_number == 3);

    const longhaul_EpochRecord third = device.record(3);
    CHECK(third.previous_epoch == 2);
    CHECK_FALSE(third.previous_clean);
    REQUIRE(third.previous_ends_count == 1);
    CHECK(third.previous_ends[0].last_number == 2);

    const longhaul_EpochRecord fourth = device.record(4);
    CHECK(fourth.previous_epoch == 3);
    CHECK(fourth.previous_clean);
}

TEST_CASE("reboot: an epoch that is cut before its first block is told of") {
    Device device;
    device.boot(8, true);
    device.boot(2, false);  // both samples were staged only
    device.boot(8, true);
    const longhaul_EpochRecord third = device.record(3);
    CHECK(third.previous_epoch == 1);
    CHECK_FALSE(third.previous_clean);
}

TEST_CASE("reboot: why knows whether a run before was cut off") {
    using Told = std::pair<bool, bool>;
    SECTION("there was none") { CHECK(Device{}.cut_off_before() == Told{false, false}); }
    Device device;
    device.boot(8, true);
    SECTION("it ended in order") { CHECK(device.cut_off_before() == Told{false, false}); }
    SECTION("it was cut off behind a block") {
        device.boot(8, false);
        CHECK(device.cut_off_before() == Told{true, true});
    }
    SECTION("it was cut off before its first block: the number of the next one tells") {
        device.boot(2, false);
        CHECK(device.cut_off_before() == Told{false, true});
    }
    SECTION("it was cut off, and the one behind it ended in order") {
        device.boot(8, false);
        device.boot(8, true);
        CHECK(device.cut_off_before() == Told{false, false});
    }
}

TEST_CASE("reboot: a boot without a sample is no epoch, hides nothing and costs nothing") {
    Device device;
    device.boot(8, true);
    device.boot(0, true);
    device.boot(8, false);
    device.boot(0, true);
    device.boot(8, true);
    const longhaul_EpochRecord second = device.record(2);
    CHECK(second.previous_epoch == 1);
    CHECK(second.previous_clean);
    const longhaul_EpochRecord third = device.record(3);
    CHECK(third.previous_epoch == 2);
    CHECK_FALSE(third.previous_clean);
}
