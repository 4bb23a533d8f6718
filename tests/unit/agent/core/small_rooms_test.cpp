// An agent with little memory: shorter sections, epochs and schemas than the formats allow.
#include <catch2/catch_test_macros.hpp>

#include "agent/core/agent.hpp"
#include "agent/core/epoch_maker.hpp"
#include "firmware-sim/sim_device_spool.hpp"
#include "firmware-sim/sim_link.hpp"
#include "tests/unit/agent/fixtures.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

AgentSettings small_settings() {
    LH_CHECK(crypto_init().ok());
    AgentSettings settings;
    settings.environment = settings.tenant = settings.device = "name";
    settings.firmware = "test 1";
    settings.sealing_key = public_key_of(known_key(9)).value();
    settings.body_bytes_max = settings.stored_body_bytes_max = 1024;
    settings.staging_bytes = 4096;
    settings.epoch_bytes_max = 512;
    settings.schema_bytes_max = 256;
    settings.section_samples_max = 64;
    return settings;
}

}  // namespace

TEST_CASE(
    "agent: with short sections a block is full at their length, and memory is what it says") {
    const OwnedSchema schema{"probe", {field_of(FieldKind::integer, "a")}, 60'000};
    ListSource source{schema.stream()};
    const std::array<Source*, 1> sources{&source};
    const AgentSettings settings = small_settings();
    const std::size_t bytes = Agent::memory_bytes(settings, sources);
    CHECK(bytes < 14'000);
    CHECK(bytes + 15'000 < Agent::memory_bytes(AgentSettings{}, sources));

    std::vector<std::byte> memory(bytes);
    sim::SimDeviceSpool spool{{5}, UINT64_MAX, sim::SimDeviceSpool::roomy};
    sim::SimLink link;
    SetClock clock;
    SeededEntropy entropy;
    KeyIdentity identity;
    Agent agent{settings, Ports{*spool, link, entropy, identity, clock, sources}, memory};
    for (std::int64_t i = 0; i < 200; ++i) source.put(1000 * i, {Value::of_integer(i)}, {});
    for (int polls = 0; polls < 20; ++polls) agent.poll({1000});
    CHECK(agent.status().samples == 200);
    CHECK(agent.status().blocks == 3);  // what is left waits for its deadline

    std::vector<std::byte> room(4096);
    const auto block = (*spool).next(BlockClass::normal, {1}, {}, room);
    REQUIRE(block.ok());
    CHECK(block.value().tag.samples == 64);
}

TEST_CASE("agent: an epoch is made in the room that there is, or nothing of it is stored") {
    AgentSettings settings = small_settings();
    const OwnedSchema schema{"probe", {field_of(FieldKind::integer, "a")}};
    std::array<AgentStream, 1> streams{AgentStream{schema.stream(), schema_hash(schema.encoded())}};
    sim::SimDeviceSpool device_spool{{5}};
    Spool& spool = *device_spool;
    SeededEntropy entropy;
    KeyIdentity identity;
    const auto make = [&](Epoch epoch, std::size_t bytes) {
        std::vector<std::byte> room(bytes);
        return make_epoch({epoch, settings, streams, spool, identity, entropy, {}}, room);
    };
    const Epoch first = spool.begin_epoch().value();
    REQUIRE(make(first, settings.epoch_bytes_max).ok());
    std::vector<std::byte> room(settings.epoch_bytes_max);
    const auto stored = spool.read_epoch(first, room);
    REQUIRE(stored.ok());
    const std::size_t stored_bytes =
        stored.value().size() + 8;  // it tells of the epoch before, too
    const auto parsed = parse_signed_epoch(stored.value());
    REQUIRE(parsed.ok());
    CHECK(
        verify(public_key_of(known_key(7)).value(), parsed.value().record, parsed.value().signature)
            .ok());
    CHECK(equal(parsed.value().certificate, identity.certificate()));

    // One byte too few for the record, then not even room for the certificate.
    for (const std::size_t bytes : {stored.value().size() - 1, std::size_t{80}}) {
        CAPTURE(bytes);
        const Epoch next = spool.begin_epoch().value();
        CHECK(make(next, bytes).error() == ErrorCode::too_large);
        CHECK(spool.read_epoch(next, room).error() == ErrorCode::not_found);
    }

    // The last words of the boot before have no room of their own, and may be anything.
    for (const char* const words : {"uplink.cpp:123: broken invariant", "\xff\xfe"}) {
        CAPTURE(words);
        settings.last_words = words;
        const Epoch next = spool.begin_epoch().value();
        const bool text = *words == 'u';
        REQUIRE(make(next, text ? stored_bytes : settings.epoch_bytes_max).ok());
        longhaul_EpochRecord record;
        const Bytes signed_record = spool.read_epoch(next, room).value();
        REQUIRE(parse_epoch_record(parse_signed_epoch(signed_record).value().record, record).ok());
        CHECK(*record.last_words == '\0');
    }
}
