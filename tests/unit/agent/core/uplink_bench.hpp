// An uplink over a spool in memory, and a test in the place of the collector.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <map>
#include <optional>

#include "agent/core/uplink.hpp"
#include "firmware-sim/sim_device_spool.hpp"
#include "tests/unit/agent/fixtures.hpp"

namespace longhaul::test {

using namespace longhaul::agent;

inline constexpr Incarnation uplink_incarnation{0xabcd};
struct Seen {
    FrameType type;
    std::vector<std::byte> body;
};

inline JournalId journal_numbered(std::uint8_t number, std::uint32_t resend = 0) {
    JournalId id;
    id.uuid.fill(static_cast<std::byte>(number));
    id.resend = resend;
    return id;
}

// An uplink with a spool, and the test in the place of the collector.
class UplinkBench {
 public:
    using Kind = UplinkAction::Kind;

    UplinkBench()
        : streams_{{schema.stream(), schema_hash(schema.encoded())}},
          inbound_(uplink_inbound_bytes),
          frame_(uplink_frame_bytes(4096)),
          far_room_(frame_bytes_max) {
        restart();
    }

    // The device reboots; the spool stays.
    void restart() {
        uplink.emplace("test 1", streams_,
                       UplinkPorts{spool, entropy_, clock_, nullptr, sealing_keys}, inbound_,
                       frame_);
        uplink->start(now);
    }
    void add_epoch(std::uint32_t epoch) {
        const SchemaHash hash = schema_hash(schema.encoded());
        REQUIRE(spool.store_schema(hash, schema.encoded()).ok());
        const std::string record = "record of epoch " + std::to_string(epoch);
        REQUIRE(spool.store_epoch({epoch}, as_bytes(record), std::span{&hash, 1}).ok());
    }
    void add_block(BlockClass block_class, std::uint32_t epoch, std::uint32_t number,
                   std::size_t size = 100) {
        const std::vector<std::byte> sealed(size, static_cast<std::byte>(number));
        const SpoolTag tag{
            {uplink_incarnation, {epoch}, BlockSeq::of(block_class, number)}, 10, 0, 0};
        REQUIRE(spool.append(std::array{agent::SpoolBlock{tag, sealed}}, agent::nothing_sent).ok());
        names_[sealed] = tag.name;
        uplink->on_stored(tag.name);
    }

    // Lets the uplink do what it wants; returns the frames that it wrote.
    std::vector<Seen> run() {
        FrameReader reader{far_room_};
        std::vector<Seen> seen;
        for (int steps = 0; steps < 1000; ++steps) {
            const UplinkAction action = uplink->next(now);
            last_action = action.kind;
            if (action.kind == Kind::wait) return seen;
            if (action.kind == Kind::open && !reachable) return seen;
            if (action.kind == Kind::open) uplink->on_open(now);
            if (action.kind == Kind::close) {
                uplink->on_closed(now);
                return seen;
            }
            if (action.kind != Kind::write) continue;
            // A link takes what it likes.
            const std::size_t count = std::min<std::size_t>(action.bytes.size(), 37);
            Bytes in = action.bytes.first(count);
            uplink->on_written(count);
            for (;;) {
                const Result<Frame> frame = reader.next(in);
                if (!frame.ok()) break;
                const Bytes body = frame.value().body;
                seen.push_back({frame.value().type, {body.begin(), body.end()}});
            }
        }
        FAIL("the uplink never rests");
        return seen;
    }
    // Passes time until the uplink has greeted.
    longhaul_Hello greet() {
        now = std::max(now, uplink->deadline());
        const std::vector<Seen> seen = run();
        REQUIRE(seen.size() == 1);
        REQUIRE(seen[0].type == FrameType::hello);
        longhaul_Hello hello;
        REQUIRE(parse_message(seen[0].body, hello).ok());
        return hello;
    }
    longhaul_Welcome welcome_of(const JournalId& id, std::uint64_t credit = 1 << 20) {
        longhaul_Welcome welcome = longhaul_Welcome_init_zero;
        std::memcpy(welcome.journal_uuid, id.uuid.data(), id.uuid.size());
        welcome.journal_resend = id.resend;
        welcome.credit = credit;
        journal_ = id;
        return welcome;
    }
    template <class Message>
    std::vector<Seen> send(const Message& message) {
        std::array<std::byte, 4096> room;
        ByteWriter out{room};
        if constexpr (std::is_same_v<Message, longhaul_Bye>) {
            REQUIRE(write_bye(FrameType::collector_bye, message, out).ok());
        } else {
            REQUIRE(write_message(message, out).ok());
        }
        uplink->on_bytes(out.written(), now);
        return run();
    }
    std::vector<Seen> send(FrameType type, Bytes body) {
        std::array<std::byte, 4096> room;
        ByteWriter out{room};
        write_frame(type, body, out);
        uplink->on_bytes(out.written(), now);
        return run();
    }
    std::vector<Seen> acknowledge(BlockClass block_class, std::uint32_t epoch, std::uint32_t first,
                                  std::uint32_t last) {
        longhaul_Ack ack = longhaul_Ack_init_zero;
        std::memcpy(ack.journal_uuid, journal_.uuid.data(), journal_.uuid.size());
        ack.journal_resend = journal_.resend;
        ack.ranges[0] = {epoch, BlockSeq::of(block_class, first).value,
                         BlockSeq::of(block_class, last).value};
        ack.ranges_count = 1;
        return send(ack);
    }
    // "S E1 B0.1.2": schema, epoch record 1, block of class 0, epoch 1, number 2.
    std::string words(const std::vector<Seen>& seen) const {
        std::string text;
        for (const Seen& frame : seen) {
            if (!text.empty()) text += ' ';
            switch (frame.type) {
                case FrameType::hello:
                    text += "H";
                    break;
                case FrameType::schema:
                    text += "S";
                    break;
                case FrameType::bye:
                    text += "bye";
                    break;
                case FrameType::epoch:
                    text += "E" + std::string{as_text(frame.body)}.substr(16);
                    break;
                case FrameType::block: {
                    const BlockName& name = names_.at(frame.body);
                    text += "B" + std::to_string(static_cast<int>(name.seq.block_class())) + "." +
                            std::to_string(name.epoch.value) + "." +
                            std::to_string(name.seq.number());
                    break;
                }
                default:
                    text += "?";
                    break;
            }
        }
        return text;
    }
    std::uint32_t waiting() {
        const auto depth = spool.depth();
        std::uint32_t sum = 0;
        for (const std::uint32_t count : depth.value().waiting) sum += count;
        return sum;
    }

    OwnedSchema schema{"probe", {field_of(FieldKind::integer, "a")}};
    sim::SimDeviceSpool device_spool{uplink_incarnation};
    Spool& spool = *device_spool;
    std::optional<Uplink> uplink;
    MonotonicMs now{1000};
    bool reachable = true;
    SealingKeys* sealing_keys = nullptr;  // from the next restart on
    Kind last_action = Kind::wait;

 private:
    std::vector<AgentStream> streams_;
    SeededEntropy entropy_;
    SetClock clock_;
    std::vector<std::byte> inbound_;
    std::vector<std::byte> frame_;
    std::vector<std::byte> far_room_;
    std::map<std::vector<std::byte>, BlockName> names_;
    JournalId journal_;
};

}  // namespace longhaul::test
