// A class for which the spool has no room stops, and no other class with it.
#include <catch2/generators/catch_generators.hpp>

#include "tests/unit/agent/core/lossy_bench.hpp"

using namespace longhaul;
using namespace longhaul::test;

namespace {

constexpr auto alarms = BlockClass::alarm;
constexpr auto live = BlockClass::live;
constexpr auto normal = BlockClass::normal;
constexpr auto bulk = BlockClass::bulk;

constexpr std::size_t at(BlockClass block_class) { return static_cast<std::size_t>(block_class); }

// A queue of samples of several streams, one a class that it is made for.
class QueueSource final : public Source {
 public:
    QueueSource(const OwnedSchema& schema, std::initializer_list<BlockClass> classes) {
        for (const BlockClass each : classes) streams_.push_back(schema.stream(each));
    }
    void put(std::uint8_t stream, std::int64_t value) {
        waiting_.push_back({stream, Value::of_integer(value)});
    }
    std::size_t left() const { return waiting_.size(); }

    std::span<const StreamInfo> streams() const override { return streams_; }
    const Sample* next(MonotonicMs /*now*/) override {
        if (waiting_.empty()) return nullptr;
        given_ = waiting_.front();
        waiting_.pop_front();
        sample_ = {given_.stream, given_.value.integer, {&given_.value, 1}};
        return &sample_;
    }
    MonotonicMs next_at() const override { return waiting_.empty() ? until_woken : MonotonicMs{}; }
    void stored(std::uint8_t stream, std::uint32_t samples) override {
        samples_stored[at(streams_[stream].block_class)] += samples;
    }
    void lost(std::uint8_t stream, std::uint32_t samples) override {
        samples_lost[at(streams_[stream].block_class)] += samples;
    }
    std::array<std::uint32_t, block_class_count> samples_stored{};
    std::array<std::uint32_t, block_class_count> samples_lost{};

 private:
    struct Entry {
        std::uint8_t stream = 0;
        Value value;
    };
    std::vector<StreamInfo> streams_;
    std::deque<Entry> waiting_;
    Entry given_;
    Sample sample_;
};

// An agent with the sources that a test names; the collector is never there.
class Bench {
 public:
    explicit Bench(std::vector<std::initializer_list<BlockClass>> of_sources,
                   std::size_t blocks_per_append = 1, std::size_t staging_bytes = 64 * 1024) {
        LH_CHECK(crypto_init().ok());
        for (const auto& classes : of_sources) {
            sources.emplace_back(schema_, classes);
            list_.push_back(&sources.back());
            for (const BlockClass each : classes) class_of_stream_.push_back(each);
        }
        settings_.environment = "test";
        settings_.tenant = "acme";
        settings_.device = "probe-1";
        settings_.firmware = "test 1";
        settings_.sealing_key = public_key_of(known_key(9)).value();
        settings_.body_bytes_max = 512;
        settings_.blocks_per_append = blocks_per_append;
        settings_.staging_bytes = staging_bytes;
        memory_.resize(Agent::memory_bytes(settings_, list_));
        agent.emplace(settings_, Ports{spool, link_, entropy_, identity_, clock_, list_}, memory_);
    }
    void run_for(std::int64_t ms) {
        const MonotonicMs until = now + ms;
        for (int polls = 0; polls < 10'000; ++polls) {
            const MonotonicMs next = agent->poll(now);
            check_told();
            if (next > now) now = std::min(next, until);
            if (next > until) return;
        }
        FAIL("the agent never rests");
    }
    // Nobody is told of more samples than the spool has of their class.
    void check_told() {
        for (; tags_seen_ < spool.tags.size(); ++tags_seen_) {
            const SpoolTag& tag = spool.tags[tags_seen_];
            kept_[at(tag.name.seq.block_class())] += tag.samples;
        }
        bool honest = true;
        for (std::size_t c = 0; c < block_class_count; ++c)
            honest = honest && told(static_cast<BlockClass>(c)) <= kept_[c];
        if (!honest) FAIL("a sample is told as stored that is not");
    }
    std::uint32_t told(BlockClass block_class) const {
        std::uint32_t samples = 0;
        for (const QueueSource& source : sources) samples += source.samples_stored[at(block_class)];
        return samples;
    }
    // The values of a class in the order of its blocks.
    std::vector<std::int64_t> values(BlockClass block_class) {
        std::vector<std::byte> signed_epoch(signed_epoch_bytes_max);
        const auto bytes = inner_.read_epoch({1}, signed_epoch);
        longhaul_EpochRecord record;
        REQUIRE(parse_epoch_record(parse_signed_epoch(bytes.value()).value().record, record).ok());
        const BlockKey key = unwrap_block_key(known_key(9), record).value();
        const std::vector<const Schema*> schemas(class_of_stream_.size(), &schema_.schema);
        std::vector<std::int64_t> found;
        std::vector<std::byte> room(4096);
        std::vector<std::byte> opened;
        BlockSeq after = BlockSeq::of(block_class, 0);
        for (;;) {
            const auto block = inner_.next(block_class, {1}, after, room);
            if (!block.ok()) return found;
            after = block.value().tag.name.seq;
            for (const auto& section : decode_block(key, block.value().sealed, schemas, opened)) {
                REQUIRE(class_of_stream_[section.stream - 1U] == block_class);
                for (const Value& value : section.columns[0]) found.push_back(value.integer);
            }
        }
    }
    const char* trouble(BlockClass block_class) const {
        return agent->status().class_trouble[at(block_class)];
    }

    std::deque<QueueSource> sources;
    sim::SimDeviceSpool device_spool_{{5}};
    agent::Spool& inner_{*device_spool_};
    LossySpool spool{inner_};
    std::optional<Agent> agent;
    MonotonicMs now{1000};

 private:
    std::size_t tags_seen_ = 0;
    std::array<std::uint32_t, block_class_count> kept_{};
    OwnedSchema schema_{"probe", {field_of(FieldKind::integer, "a")}, 1000};
    std::vector<BlockClass> class_of_stream_;
    std::vector<Source*> list_;
    sim::SimLink link_;
    SetClock clock_;
    AgentSettings settings_;
    SeededEntropy entropy_;
    KeyIdentity identity_;
    std::vector<std::byte> memory_;
};

std::vector<std::int64_t> numbers(std::int64_t count) {
    std::vector<std::int64_t> all;
    for (std::int64_t i = 0; i < count; ++i) all.push_back(i);
    return all;
}

}  // namespace

TEST_CASE("stop: while bulk has no room, the other classes are sealed and stored as ever") {
    const auto blocks_per_append = GENERATE(std::size_t{1}, std::size_t{5}, std::size_t{8});
    CAPTURE(blocks_per_append);
    Bench bench{{{bulk}, {alarms}, {normal}}, blocks_per_append};
    bench.spool.full_for[at(bulk)] = true;
    for (int i = 0; i < 20'000; ++i) bench.sources[0].put(0, i);
    bench.run_for(5000);
    CHECK(bench.agent->status().spool_full);
    CHECK(std::string_view{bench.trouble(bulk)} == "full");
    CHECK(std::string_view{bench.agent->status().trouble}.empty());
    CHECK(bench.sources[0].left() > 10'000);
    for (int i = 0; i < 50; ++i) {
        bench.sources[1].put(0, i);
        for (int k = 0; k < 40; ++k) bench.sources[2].put(0, 40 * i + k);
        bench.run_for(1);
        REQUIRE(bench.told(alarms) == static_cast<std::uint32_t>(i + 1));
    }
    bench.run_for(1500);
    CHECK(bench.told(normal) == 2000);
    CHECK(bench.told(bulk) == 0);
    CHECK(bench.values(bulk).empty());
    CHECK(std::string_view{bench.trouble(alarms)}.empty());

    bench.spool.full_for = {};
    bench.run_for(5000);
    CHECK_FALSE(bench.agent->status().spool_full);
    CHECK(std::string_view{bench.trouble(bulk)}.empty());
    CHECK(bench.told(bulk) == 20'000);
    CHECK(bench.values(bulk) == numbers(20'000));
    CHECK(bench.values(alarms) == numbers(50));
    CHECK(bench.values(normal) == numbers(2000));
}

TEST_CASE(
    "stop: what a source gave of other classes is stored, what stands behind waits in order") {
    Bench bench{{{bulk, alarms}, {alarms}}};
    bench.spool.full_for[at(bulk)] = true;
    for (int i = 0; i < 3000; ++i) bench.sources[0].put(0, i);
    bench.sources[0].put(1, 1);
    bench.run_for(3000);
    CHECK(bench.told(alarms) == 0);  // it is behind a sample without room, in a queue
    bench.sources[1].put(0, 0);
    bench.run_for(1);
    CHECK(bench.told(alarms) == 1);
    bench.spool.full_for = {};
    bench.run_for(3000);
    CHECK(bench.told(bulk) == 3000);
    CHECK(bench.values(bulk) == numbers(3000));
    CHECK(bench.values(alarms) == numbers(2));
}

TEST_CASE("stop: an alarm that its source gave before is not held up by samples without room") {
    Bench bench{{{bulk, alarms}}, 8};
    bench.spool.full_for[at(bulk)] = true;
    for (int i = 0; i < 100; ++i) bench.sources[0].put(0, i);
    bench.sources[0].put(1, 0);  // the block of the others is open yet
    bench.run_for(1);
    CHECK(bench.told(alarms) == 1);
    bench.run_for(5000);
    bench.sources[0].put(1, 1);
    bench.run_for(1);
    CHECK(bench.told(alarms) == 2);  // no sample without room stands before it
    CHECK(bench.told(bulk) == 0);
}

TEST_CASE("stop: what a stopped class has staged takes no room from the others") {
    Bench bench{{{bulk}, {normal}}, 4, 4096};
    bench.spool.full_for[at(bulk)] = true;
    for (int i = 0; i < 5000; ++i) bench.sources[0].put(0, i);
    bench.run_for(3000);
    for (int i = 0; i < 5000; ++i) bench.sources[1].put(0, i);
    bench.run_for(3000);
    CHECK(bench.told(normal) == 5000);
    CHECK(bench.told(bulk) == 0);
    bench.spool.full_for = {};
    bench.run_for(5000);
    CHECK(bench.values(bulk) == numbers(5000));
    CHECK(bench.values(normal) == numbers(5000));
}

TEST_CASE("stop: any other error stops all classes, until it is gone") {
    Bench bench{{{bulk}, {alarms}}, 4};
    bench.spool.full_for[at(bulk)] = true;
    for (int i = 0; i < 5000; ++i) bench.sources[0].put(0, i);
    bench.run_for(3000);
    bench.spool.broken = true;
    for (int i = 0; i < 10; ++i) bench.sources[1].put(0, i);
    bench.run_for(10'000);
    CHECK(std::string_view{bench.agent->status().trouble} == "the disk is broken");
    CHECK(bench.told(alarms) == 0);
    CHECK(bench.sources[1].left() >= 8);
    bench.spool.broken = false;
    bench.run_for(3000);
    CHECK(std::string_view{bench.agent->status().trouble}.empty());
    CHECK(bench.values(alarms) == numbers(10));
    bench.spool.full_for = {};
    bench.run_for(3000);
    CHECK(bench.values(bulk) == numbers(5000));
}

TEST_CASE(
    "stop: an agent that stops stores the other classes, and waits for the one without room") {
    Bench bench{{{bulk}, {normal}}};
    bench.spool.full_for[at(bulk)] = true;
    for (int i = 0; i < 5000; ++i) bench.sources[0].put(0, i);
    bench.run_for(3000);
    bench.sources[1].put(0, 0);
    bench.run_for(1);
    bench.agent->stop(bench.now);
    bench.run_for(1);
    CHECK(bench.told(normal) == 1);
    CHECK_FALSE(bench.agent->stopped());
    bench.spool.full_for = {};
    bench.run_for(3000);
    CHECK(bench.agent->stopped());
    const std::size_t left = bench.sources[0].left();
    CHECK(left > 0);
    CHECK(bench.values(bulk) == numbers(static_cast<std::int64_t>(5000 - left)));
}

TEST_CASE(
    "stop: in whatever order classes stop and go on, each keeps its order and loses nothing") {
    const auto blocks_per_append = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{8});
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        CAPTURE(blocks_per_append, seed);
        Bench bench{{{alarms}, {live}, {normal}, {bulk}}, blocks_per_append, 8192};
        std::mt19937_64 random{seed};
        if (seed % 2 == 0)
            bench.spool.settings().classes[at(live)].when_full = WhenFull::drop_newest;
        std::array<std::int64_t, block_class_count> put{};
        for (int round = 0; round < 60; ++round) {
            for (std::size_t c = 0; c < block_class_count; ++c) {
                if (random() % 4 == 0) bench.spool.full_for[c] = !bench.spool.full_for[c];
                const std::size_t count = random() % 300;
                for (std::size_t i = 0; i < count; ++i) bench.sources[c].put(0, put[c]++);
            }
            bench.spool.broken = random() % 8 == 0;
            bench.spool.disk_full = random() % 8 == 0;
            bench.run_for(static_cast<std::int64_t>(random() % 1500));
        }
        bench.spool.full_for = {};
        bench.spool.broken = bench.spool.disk_full = false;
        bench.run_for(10'000);
        CHECK_FALSE(bench.agent->status().spool_full);
        for (std::size_t c = 0; c < block_class_count; ++c) {
            CAPTURE(c);
            const std::vector<std::int64_t> values = bench.values(static_cast<BlockClass>(c));
            CHECK(std::is_sorted(values.begin(), values.end()));
            CHECK(std::adjacent_find(values.begin(), values.end()) == values.end());
            CHECK(values.size() == bench.told(static_cast<BlockClass>(c)));
            CHECK(static_cast<std::int64_t>(values.size() + bench.sources[c].samples_lost[c]) ==
                  put[c]);
        }
        std::uint64_t listed = 0;
        for (const Loss& loss : bench.spool.ledger().entries()) listed += loss.samples;
        CHECK(listed == bench.agent->status().samples_lost);
    }
}

TEST_CASE("stop: losses are told while the class that they are of has no room") {
    LossyBench bench;
    bench.spool.full_for[at(normal)] = true;
    bench.add_losses(2);
    for (int i = 0; i < 2000; ++i) bench.source.put(i, {Value::of_integer(i * i)});
    bench.run_until({20'000});
    CHECK(bench.agent->status().spool_full);
    bench.connect();
    REQUIRE(bench.spool.tags.size() == 1);
    CHECK(bench.spool.tags[0].losses == 2);
    CHECK(bench.agent->status().spool_full);
}

TEST_CASE("stop: an acknowledgement makes the class try again at once") {
    LossyBench bench;
    bench.spool.alarms_have_room = true;
    bench.add_losses(1);
    bench.connect();
    bench.spool.full = true;
    for (int i = 0; i < 2000; ++i) bench.source.put(i, {Value::of_integer(i * i)});
    bench.run_until(bench.now + 10'000);
    REQUIRE(bench.agent->status().spool_full);
    CHECK(bench.source.samples_stored == 0);
    bench.spool.full = false;
    bench.acknowledge(alarms, 1);  // no time has passed
    CHECK_FALSE(bench.agent->status().spool_full);
    CHECK(bench.source.samples_stored > 1000);
}
