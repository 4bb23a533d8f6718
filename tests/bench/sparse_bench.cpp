// Sparse devices: what a sample costs on the wire, and how long it waits.
//
// The real agent core over a spool and a link in memory, in simulated time: 30 days of a device
// with four flows, each with one sample every six minutes, which share a class and so their blocks.
// Beside it the same samples as one MQTT message of JSON each. Prints a table for codec 0 and one
// for what a device without zstd has beside it; tools/dev bench sparse runs it.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"
#include "firmware-sim/sim_device_spool.hpp"
#include "firmware-sim/sim_link.hpp"
#include "tests/unit/agent/fixtures.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t interval_ms = 6 * minute_ms;
constexpr std::int64_t days = 30;  // of one epoch and one session
constexpr std::int64_t samples_per_flow = days * 24 * 60 * minute_ms / interval_ms;
constexpr std::size_t tls_record_bytes = 22;    // TLS 1.3: header 5, content type 1, tag 16
constexpr std::size_t certificate_bytes = 373;  // of a device that `longhaul device add` made
constexpr std::uint32_t tick_us = 1'000'000;

// A flow: its name and how its fields move. Whole numbers of the last decimal place.
struct Signal {
    const char* field;
    std::uint8_t scale;
    std::int64_t start;
    double step;  // standard deviation from one sample to the next
};
struct Kind {
    const char* stream;
    std::vector<Signal> signals;
};
const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all{
        {"climate", {{"temperature", 2, 2150, 8}, {"humidity", 1, 441, 4}}},
        {"water", {{"level_mm", 0, 12'400, 3}}},
        {"power", {{"voltage", 3, 3'612, 1.5}}},
        {"meter", {{"litres", 0, 884'210, 12}}},
    };
    return all;
}

// One flow of a device, its samples drawn from a seed, and what became of them.
class Flow final : public Source {
 public:
    Flow(const Kind& kind, std::size_t place, std::int64_t deadline_ms, const MonotonicMs& now)
        : kind_{kind},
          phase_ms_{static_cast<std::int64_t>(place) * 90'000},
          now_{now},
          random_{place} {
        for (const Signal& signal : kind.signals) {
            fields_.push_back(test::field_of(FieldKind::decimal, signal.field, signal.scale));
            levels_.push_back(signal.start);
        }
        schema_.name = kind.stream;
        schema_.fields = fields_;
        schema_.time = TimeKind::device;
        schema_.tick_us = tick_us;
        schema_.deadline_ms = static_cast<std::uint32_t>(deadline_ms);
        encoded_.resize(limits::schema_bytes_max);
        ByteWriter out{encoded_};
        LH_CHECK(encode_schema(schema_, out).ok());
        encoded_.resize(out.size());
        streams_[0] = {schema_.name, &schema_, encoded_, BlockClass::normal};
    }
    Flow(const Flow&) = delete;
    Flow& operator=(const Flow&) = delete;

    std::span<const StreamInfo> streams() const override { return streams_; }
    MonotonicMs next_at() const override {
        if (given_ == samples_per_flow) return MonotonicMs::never();
        return {phase_ms_ + given_ * interval_ms};
    }
    const Sample* next(MonotonicMs now) override {
        if (next_at() > now) return nullptr;
        waiting_.push_back(next_at());
        values_.clear();
        std::string json = "{\"time\":" + std::to_string(1'700'000'000 + next_at().value / 1000);
        for (std::size_t i = 0; i < levels_.size(); ++i) {
            const Signal& signal = kind_.signals[i];
            levels_[i] += std::llround(signal.step * normal_(random_));
            values_.push_back(Value::of_integer(levels_[i]));
            char text[48];
            const double real = static_cast<double>(levels_[i]) / std::pow(10, signal.scale);
            std::snprintf(text, sizeof(text), ",\"%s\":%.*f", signal.field, signal.scale, real);
            json += text;
        }
        json += "}";
        // PUBLISH, at least once: fixed header 2, topic with its length, packet identifier 2.
        const std::string topic = std::string{"acme/meter-17/"} + kind_.stream;
        mqtt_bytes += 2 + 2 + topic.size() + 2 + json.size() + tls_record_bytes;
        sample_ = {0, next_at().value * 1000, values_};
        ++given_;
        return &sample_;
    }
    void stored(std::uint8_t, std::uint32_t samples) override {
        for (; samples > 0; --samples) {
            delays_ms.push_back(now_ - waiting_.front());
            waiting_.pop_front();
        }
    }
    void refused(std::uint8_t) override { LH_CHECK(false); }

    std::vector<std::int64_t> delays_ms;
    std::uint64_t mqtt_bytes = 0;

 private:
    const Kind& kind_;
    std::int64_t phase_ms_;
    const MonotonicMs& now_;
    std::mt19937 random_;
    std::normal_distribution<double> normal_;
    std::vector<Field> fields_;
    std::vector<std::int64_t> levels_;
    Schema schema_;
    std::vector<std::byte> encoded_;
    std::array<StreamInfo, 1> streams_;
    std::int64_t given_ = 0;
    std::deque<MonotonicMs> waiting_;
    std::vector<Value> values_;
    Sample sample_;
};

class DeviceIdentity final : public Identity {
 public:
    Result<Signature> sign(Bytes message) override {
        return longhaul::sign(test::known_key(7), message);
    }
    Bytes certificate() const override { return certificate_; }
    Bytes device_secret() const override { return as_bytes("sixteen bytes and more"); }

 private:
    std::vector<std::byte> certificate_ = std::vector<std::byte>(certificate_bytes);
};

struct Traffic {
    std::uint64_t blocks = 0;
    std::uint64_t sealed_bytes = 0;
    std::uint64_t block_bytes = 0;  // in their frames and TLS records
    std::uint64_t other_bytes = 0;  // Hello, schemas, epoch record, the same
    std::uint64_t down_bytes = 0;   // Welcome, acknowledgements
};

// The far end of the link: welcomes, and acknowledges every block at once.
class FarEnd {
 public:
    void answer(sim::SimLink& link) {
        const std::vector<std::byte> sent = std::exchange(link.to_collector, {});
        Bytes rest = sent;
        for (auto frame = frames_.next(rest); frame.ok(); frame = frames_.next(rest))
            take(frame.value(), link);
    }
    Traffic traffic;

 private:
    void take(const Frame& frame, sim::SimLink& link) {
        // The agent writes a frame at a time, so each becomes a record.
        const std::size_t bytes = frame_header_bytes + frame.body.size() + tls_record_bytes;
        if (frame.type != FrameType::block) {
            traffic.other_bytes += bytes;
            if (frame.type != FrameType::hello) return;
            longhaul_Welcome welcome = longhaul_Welcome_init_zero;
            welcome.credit = UINT64_MAX;
            welcome.unknown_schemas = UINT32_MAX;
            return say(welcome, link);
        }
        ++traffic.blocks;
        traffic.sealed_bytes += frame.body.size();
        traffic.block_bytes += bytes;
        const BlockName name = parse_block_header(frame.body).value().name;
        longhaul_Ack ack = longhaul_Ack_init_zero;
        ack.ranges_count = 1;
        ack.ranges[0] = {name.epoch.value, name.seq.value, name.seq.value};
        say(ack, link);
    }
    template <class Message>
    void say(const Message& message, sim::SimLink& link) {
        std::array<std::byte, 4096> room;
        ByteWriter out{room};
        LH_CHECK(write_message(message, out).ok());
        link.to_device.insert(link.to_device.end(), room.begin(),
                              room.begin() + static_cast<std::ptrdiff_t>(out.size()));
        traffic.down_bytes += out.size() + tls_record_bytes;
    }

    std::vector<std::byte> room_ = std::vector<std::byte>(frame_bytes_max);
    FrameReader frames_{room_};
};

// A device with these flows for 30 days.
Traffic play(std::span<const std::unique_ptr<Flow>> flows, CodecSet codecs, MonotonicMs& now) {
    std::vector<Source*> sources;
    for (const auto& flow : flows) sources.push_back(flow.get());
    sim::SimDeviceSpool device_spool{{5}, 64 * 1024, {4096, 32, 1}};
    Spool& spool = *device_spool;
    sim::SimLink link;
    link.listening = true;
    test::SeededEntropy entropy;
    DeviceIdentity identity;
    test::SetClock clock;
    AgentSettings settings;
    settings.environment = "demo";
    settings.tenant = "acme";
    settings.device = "meter-17";
    settings.firmware = "sparse 1";
    settings.sealing_key = public_key_of(test::known_key(9)).value();
    settings.body_bytes_max = 1100;
    settings.codecs = codecs;
    Codec2Encoder range;
    std::vector<std::byte> plain(settings.body_bytes_max);
    std::vector<std::byte> memory(Agent::memory_bytes(settings, sources));
    Agent agent{settings,
                {spool, link, entropy, identity, clock, sources, {&range, nullptr, plain}},
                memory};
    FarEnd far;
    while (!agent.drained()) {
        const MonotonicMs next = agent.poll(now);
        far.answer(link);
        if (link.to_device.empty()) now = std::max(next, now);
    }
    LH_CHECK(agent.status().samples == flows.size() * samples_per_flow);
    LH_CHECK(agent.uplink_status().acked_blocks == far.traffic.blocks);
    return far.traffic;
}

// Prints a line; returns the bytes of a sample, all told.
double report(CodecSet codecs, std::int64_t deadline_ms) {
    const auto make = [&](std::size_t place, const MonotonicMs& now) {
        return std::make_unique<Flow>(kinds()[place], place, deadline_ms, now);
    };
    MonotonicMs now;
    std::vector<std::unique_ptr<Flow>> flows;
    for (std::size_t i = 0; i < kinds().size(); ++i) flows.push_back(make(i, now));
    const Traffic shared = play(flows, codecs, now);

    std::uint64_t alone_bytes = 0;
    for (std::size_t i = 0; i < kinds().size(); ++i) {
        MonotonicMs own_now;
        std::vector<std::unique_ptr<Flow>> own;
        own.push_back(make(i, own_now));
        alone_bytes += play(own, codecs, own_now).block_bytes;
    }
    std::vector<std::int64_t> delays;
    std::uint64_t mqtt_bytes = 0;
    for (const auto& flow : flows) {
        delays.insert(delays.end(), flow->delays_ms.begin(), flow->delays_ms.end());
        mqtt_bytes += flow->mqtt_bytes;
    }
    std::sort(delays.begin(), delays.end());
    const auto samples = static_cast<double>(delays.size());
    const auto each = [samples](std::uint64_t bytes) {
        return static_cast<double>(bytes) / samples;
    };
    const double wire = each(shared.block_bytes + shared.other_bytes);
    std::printf(
        "%6.0f %9.1f %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f %7.1f %7.2f\n",
        static_cast<double>(deadline_ms) / minute_ms, samples / static_cast<double>(shared.blocks),
        each(shared.sealed_bytes), each(shared.block_bytes), wire, each(alone_bytes),
        each(shared.down_bytes), static_cast<double>(delays[delays.size() / 2]) / minute_ms,
        static_cast<double>(delays.back()) / minute_ms, each(mqtt_bytes), wire / each(mqtt_bytes));
    return wire;
}

struct Case {
    std::int64_t deadline_minutes;
    double target;  // bytes a sample, all told; 0: none
};
// 5 minutes: one sample of each flow a block; 23 minutes: four.
constexpr Case cases[] = {{0, 0}, {5, 28}, {11, 0}, {23, 14}, {60, 0}, {240, 0}};

void table(const char* title, CodecSet codecs) {
    std::printf(
        "bytes a sample, %s; four flows, a sample each in six minutes, %lld days in one "
        "session\n"
        "wire: frame header 4 and TLS 1.3 record 22 a block; all: with Hello, schemas and epoch "
        "record\n"
        "alone: each flow in blocks of its own; back: acknowledgements; delay: sample to spool, "
        "minutes\n\n"
        "%6s %9s %8s %8s %8s %8s %8s %8s %8s %7s %7s\n",
        title, static_cast<long long>(days), "due", "a block", "sealed", "wire", "all", "alone",
        "back", "p50", "max", "MQTT", "ratio");
    for (const Case& each : cases) {
        const double bytes = report(codecs, each.deadline_minutes * minute_ms);
        if (each.target == 0) continue;
        const bool met = bytes <= each.target;
        std::printf("       target %.0f: %s by %.1f\n", each.target, met ? "met" : "MISSED",
                    std::abs(each.target - bytes));
    }
}

}  // namespace

int main() {
    LH_CHECK(crypto_init().ok());
    table("codec 0", 1U << codec_columns);
    std::printf("\n");
    table("codec 2", 1U << codec_columns | 1U << codec_range);
    return 0;
}
