// An agent over a spool that drops, and the test in the place of the collector.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <optional>

#include "agent/core/agent.hpp"
#include "firmware-sim/sim_device_spool.hpp"
#include "firmware-sim/sim_link.hpp"
#include "tests/unit/agent/core/lossy_spool.hpp"
#include "tests/unit/agent/fixtures.hpp"

namespace longhaul::test {

using namespace longhaul::agent;

class LossyBench {
 public:
    explicit LossyBench(std::size_t body_bytes_max = 512, std::size_t blocks_per_append = 1,
                        std::uint64_t write_bytes_per_day = 0,
                        BlockClass block_class = BlockClass::normal)
        : source{schema.stream(block_class)} {
        LH_CHECK(crypto_init().ok());
        settings.environment = "test";
        settings.tenant = "acme";
        settings.device = "probe-1";
        settings.firmware = "test 1";
        settings.sealing_key = public_key_of(sealing_key_).value();
        settings.body_bytes_max = body_bytes_max;
        settings.blocks_per_append = blocks_per_append;
        settings.write_bytes_per_day = write_bytes_per_day;
        memory_.resize(Agent::memory_bytes(settings, sources_));
        agent.emplace(settings, Ports{spool, link, entropy_, identity_, clock, sources_}, memory_);
    }

    void run_until(MonotonicMs until) {
        for (int polls = 0; polls < 10'000; ++polls) {
            const MonotonicMs next = agent->poll(now);
            if (next > now) now = std::min(next, until);
            if (next > until) return;
        }
        FAIL("the agent never rests");
    }
    template <class Message>
    void deliver(const Message& message) {
        std::array<std::byte, 512> room;
        ByteWriter out{room};
        REQUIRE(write_message(message, out).ok());
        link.to_device.insert(link.to_device.end(), out.written().begin(), out.written().end());
        run_until(now);
    }
    void connect(std::int64_t server_time_us = 0) {
        link.listening = true;
        run_until(std::max(now + 2000, agent->next_attempt()));
        REQUIRE(link.is_open());
        longhaul_Welcome welcome = longhaul_Welcome_init_zero;
        welcome.credit = 1 << 20;
        welcome.server_time_us = server_time_us;
        deliver(welcome);
        REQUIRE(agent->uplink_status().connected);
    }
    void acknowledge(BlockClass block_class, std::uint32_t number) {
        longhaul_Ack ack = longhaul_Ack_init_zero;
        const std::uint32_t seq = BlockSeq::of(block_class, number).value;
        ack.ranges[0] = {1, seq, seq};
        ack.ranges_count = 1;
        deliver(ack);
    }
    void add_losses(std::uint32_t count) {
        for (std::uint32_t i = 0; i < count; ++i)
            spool.ledger().add({BlockClass::normal,
                                LossReason::full,
                                {{1}, 10 * i + 1},
                                {{1}, 10 * i + 5},
                                100,
                                1'000'000 * i,
                                1'000'000 * i + 1});
    }
    // What the block says about losses: "class 2 1:1-1:5 100 samples"; an anchor is "anchor".
    std::string words(BlockClass block_class, std::uint32_t number) {
        std::vector<std::byte> block_room(20'000);
        const auto block =
            inner_.next(block_class, {1}, BlockSeq::of(block_class, number - 1), block_room);
        REQUIRE(block.ok());
        std::vector<std::byte> record_room(signed_epoch_bytes_max);
        const auto bytes = inner_.read_epoch({1}, record_room);
        longhaul_EpochRecord record;
        REQUIRE(parse_epoch_record(parse_signed_epoch(bytes.value()).value().record, record).ok());
        std::vector<longhaul_SystemEntry> entries;
        std::vector<std::byte> room;
        const std::array schemas{&schema.schema};
        decode_block(unwrap_block_key(sealing_key_, record).value(), block.value().sealed, schemas,
                     room, &entries);
        std::string text;
        for (const longhaul_SystemEntry& entry : entries) {
            if (!text.empty()) text += ", ";
            if (entry.which_entry == longhaul_SystemEntry_anchor_tag) {
                text += entry.entry.anchor.source == longhaul_AnchorSource_ANCHOR_SOURCE_COLLECTOR
                            ? "anchor of the collector"
                            : "anchor";
                continue;
            }
            const longhaul_Loss& loss = entry.entry.loss;
            text += std::to_string(loss.epoch) + ":" +
                    std::to_string(BlockSeq{loss.first_seq}.number()) + " to " +
                    (loss.last_epoch == 0 ? "" : std::to_string(loss.last_epoch) + ":") +
                    std::to_string(BlockSeq{loss.last_seq}.number()) + " of " +
                    std::to_string(loss.samples);
        }
        return text;
    }

    OwnedSchema schema{"probe", {field_of(FieldKind::integer, "a")}, 5000};
    ListSource source;
    sim::SimDeviceSpool kept_{{5}};
    agent::Spool& inner_{*kept_};
    LossySpool spool{inner_};
    sim::SimLink link;
    SetClock clock;
    AgentSettings settings;
    std::optional<Agent> agent;
    MonotonicMs now{1000};

 private:
    const PrivateKey sealing_key_ = known_key(9);
    std::array<Source*, 1> sources_{&source};
    SeededEntropy entropy_;
    KeyIdentity identity_;
    std::vector<std::byte> memory_;
};

}  // namespace longhaul::test
