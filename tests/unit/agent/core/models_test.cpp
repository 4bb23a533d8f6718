// What a device does with offers of models: asks, keeps, uses what was offered and nothing else.
#include <catch2/catch_test_macros.hpp>
#include <map>

#include "agent/core/block_builder.hpp"
#include "agent/core/epoch_maker.hpp"
#include "tests/support/model.hpp"
#include "tests/unit/agent/core/uplink_bench.hpp"

using namespace longhaul;
using namespace longhaul::test;

namespace {

// Remembers what it is told, over reboots.
class KeptModels final : public Models {
 public:
    Bytes find(const ModelHash& hash) override {
        const auto found = kept.find(hash);
        return found == kept.end() ? Bytes{} : Bytes{found->second};
    }
    Status keep(const ModelHash& hash, Bytes model) override {
        if (full) return ErrorCode::full;
        kept[hash] = {model.begin(), model.end()};
        return {};
    }
    void keep_only(std::span<const ModelHash> wanted) override {
        std::erase_if(kept, [wanted](const auto& each) {
            return std::find(wanted.begin(), wanted.end(), each.first) == wanted.end();
        });
    }

    std::map<ModelHash, std::vector<std::byte>> kept;
    bool full = false;
};

// An uplink whose streams may have models.
class ModelsBench {
 public:
    explicit ModelsBench(std::size_t bytes_max = limits::model_bytes_max, bool uses_models = true)
        : bytes_max_{bytes_max}, uses_models_{uses_models} {
        restart();
    }
    void restart() {
        streams[0] = {schema.stream(), schema_hash(schema.encoded())};
        keeper.emplace(uses_models_ ? &models : nullptr, bytes_max_, spool, streams);
        uplink.emplace("test 1", streams, UplinkPorts{spool, entropy_, clock_, &*keeper}, inbound_,
                       frame_);
        uplink->start(now);
    }
    longhaul_Hello greet() {
        now = std::max(now, uplink->deadline());
        longhaul_Hello hello;
        const auto seen = run();
        REQUIRE(seen.size() == 1);
        REQUIRE(parse_message(seen[0].body, hello).ok());
        return hello;
    }
    std::vector<Seen> welcome(const std::vector<std::byte>* offered, std::uint32_t schema_index = 0,
                              std::uint32_t bytes_added = 0) {
        longhaul_Welcome welcome = longhaul_Welcome_init_zero;
        welcome.journal_uuid[0] = 1;
        if (offered != nullptr) {
            const ModelHash hash = model_hash(*offered);
            welcome.offers_count = 1;
            welcome.offers[0].schema = schema_index;
            welcome.offers[0].bytes = static_cast<std::uint32_t>(offered->size()) + bytes_added;
            std::memcpy(welcome.offers[0].model, hash.data(), hash.size());
        }
        std::vector<std::byte> room(frame_bytes_max);
        ByteWriter out{room};
        REQUIRE(write_message(welcome, out).ok());
        uplink->on_bytes(out.written(), now);
        return run();
    }
    void send_model(Bytes model) {
        std::vector<std::byte> room(frame_bytes_max);
        ByteWriter out{room};
        write_frame(FrameType::model, model, out);
        uplink->on_bytes(out.written(), now);
        run();
    }
    void hang_up() {
        uplink->on_closed(now);
        now = now + 3'600'000;
    }
    // The model that the next epoch uses.
    std::optional<ModelHash> chosen() {
        restart();
        keeper->choose();
        return streams[0].model_hash;
    }
    std::vector<Seen> run() {
        std::vector<Seen> seen;
        std::vector<std::byte> room(frame_bytes_max);
        FrameReader reader{room};
        for (int steps = 0; steps < 100; ++steps) {
            const UplinkAction action = uplink->next(now);
            if (action.kind == UplinkAction::Kind::wait) return seen;
            if (action.kind == UplinkAction::Kind::open) uplink->on_open(now);
            if (action.kind == UplinkAction::Kind::close) {
                uplink->on_closed(now);
                closed = true;
                return seen;
            }
            if (action.kind != UplinkAction::Kind::write) continue;
            Bytes in = action.bytes;
            uplink->on_written(action.bytes.size());
            for (auto frame = reader.next(in); frame.ok(); frame = reader.next(in)) {
                const Bytes body = frame.value().body;
                seen.push_back({frame.value().type, {body.begin(), body.end()}});
            }
        }
        FAIL("the uplink never rests");
        return seen;
    }

    OwnedSchema schema{"probe", {field_of(FieldKind::integer, "a")}};
    sim::SimDeviceSpool device_spool{uplink_incarnation};
    Spool& spool = *device_spool;
    KeptModels models;
    std::array<AgentStream, 1> streams;
    std::optional<ModelKeeper> keeper;
    std::optional<Uplink> uplink;
    MonotonicMs now{1000};
    bool closed = false;

 private:
    std::size_t bytes_max_;
    bool uses_models_;
    SeededEntropy entropy_;
    SetClock clock_;
    std::vector<std::byte> inbound_ =
        std::vector<std::byte>(uplink_inbound_bytes_with(limits::model_bytes_max));
    std::vector<std::byte> frame_ = std::vector<std::byte>(uplink_frame_bytes(4096));
};

}  // namespace

TEST_CASE("models: an offer is asked for, kept, and used by the next epoch") {
    ModelsBench bench;
    const auto model = small_model();
    CHECK(bench.greet().models);
    const auto wants = bench.welcome(&model);
    REQUIRE(wants.size() == 1);
    CHECK(wants[0].type == FrameType::want);
    CHECK(equal(wants[0].body, model_hash(model)));
    CHECK_FALSE(bench.streams[0].model_hash);
    bench.send_model(model);
    CHECK_FALSE(bench.closed);
    CHECK(bench.models.kept.size() == 1);

    CHECK(bench.chosen() == model_hash(model));
    CHECK(as_text(bench.streams[0].model.dictionary()) == "the door of the hall was opened");
    bench.greet();
    CHECK(bench.welcome(&model).empty());  // it has it
}

TEST_CASE("models: one that is not offered any more is forgotten, another one takes its place") {
    ModelsBench bench;
    const auto first = small_model();
    const auto second = small_model(0x7000);
    bench.greet();
    bench.welcome(&first);
    bench.send_model(first);
    REQUIRE(bench.chosen() == model_hash(first));
    bench.greet();
    REQUIRE(bench.welcome(&second).size() == 1);
    CHECK(bench.models.kept.contains(model_hash(first)));  // of this epoch
    bench.send_model(second);
    REQUIRE(bench.chosen() == model_hash(second));
    bench.greet();
    bench.welcome(nullptr);
    CHECK_FALSE(bench.chosen());
    bench.greet();
    bench.welcome(nullptr);
    CHECK(bench.models.kept.empty());
}

TEST_CASE("models: what is not the one that was wanted, or cannot be kept, is dropped") {
    const auto model = small_model();
    for (const bool full : {false, true}) {
        ModelsBench bench;
        bench.models.full = full;
        bench.greet();
        bench.welcome(&model);
        bench.send_model(full ? model : small_model(0x7000));
        CHECK_FALSE(bench.closed);
        CHECK(bench.models.kept.empty());
        CHECK_FALSE(bench.chosen());
        bench.greet();
        CHECK(bench.welcome(&model).size() == 1);  // it asks again in the next session
    }
}

TEST_CASE("models: a device asks for none that it has no room for, but uses what is compiled in") {
    const auto model = small_model();
    ModelsBench bench{model.size() - 1};
    bench.greet();
    CHECK(bench.welcome(&model).empty());
    CHECK_FALSE(bench.chosen());
    bench.greet();
    CHECK(bench.welcome(&model).empty());

    const CompiledModel compiled{model_hash(model), model};
    CompiledModels program{{&compiled, 1}};
    std::array<AgentStream, 1> streams{bench.streams};
    ModelKeeper keeper{&program, 0, bench.spool, streams};
    keeper.choose();
    CHECK_FALSE(streams[0].model_hash);  // nobody has offered it
    keeper.begin_offers();
    keeper.offer(streams[0].schema_hash, compiled.hash, static_cast<std::uint32_t>(model.size()));
    keeper.end_offers();
    CHECK_FALSE(keeper.next_wanted());
    keeper.choose();
    CHECK(streams[0].model_hash == compiled.hash);
}

TEST_CASE("models: a device without any says nothing of them and takes none") {
    ModelsBench bench{0, false};
    CHECK_FALSE(bench.greet().models);
    CHECK(bench.welcome(nullptr).empty());
    bench.send_model(small_model());
    CHECK(bench.closed);
}

TEST_CASE(
    "models: an offer for a schema that was not listed ends the session, and so does a Model "
    "that nobody wanted") {
    const auto model = small_model();
    ModelsBench bench;
    bench.greet();
    bench.welcome(&model, 1);
    CHECK(bench.closed);

    ModelsBench unasked;
    unasked.greet();
    unasked.welcome(&model);
    unasked.send_model(model);
    CHECK_FALSE(unasked.closed);
    unasked.send_model(model);
    CHECK(unasked.closed);
}

namespace {

// Seals so many blocks of the same slow walk with this model; whether it is said to be worse than
// none.
bool is_worse(Bytes model, int blocks) {
    LH_CHECK(crypto_init().ok());
    const OwnedSchema schema{"probe", {field_of(FieldKind::integer, "a")}};
    std::array<AgentStream, 1> streams{AgentStream{schema.stream(), schema_hash(schema.encoded())}};
    streams[0].model = Model::parse(model).value();
    streams[0].model_hash = model_hash(model);
    std::vector<OpenSection> sections(1);
    std::vector<SectionBound::Column> fields(1);
    std::vector<std::uint64_t> arena(8192);
    std::vector<std::byte> body(4096);
    std::vector<Value> column(limits::section_samples_max);
    Codec2Encoder range;
    std::vector<std::byte> plain(4096);
    BlockBuilder builder{streams, BuilderRooms{sections, fields, arena, body, column}, usual_codecs,
                         CodecTools{&range, nullptr, plain}};
    std::vector<std::byte> sealed(block_header_bytes + body.size());
    for (int block = 1; block <= blocks; ++block) {
        for (std::int64_t i = 0; i < 60; ++i) {
            const std::array<Value, 1> values{Value::of_integer(1000 + i * i % 7)};
            const Sample sample{1, 1000 * i, values};
            REQUIRE(builder.fit(sample, 0) == BlockBuilder::Fit::yes);
            builder.add(sample, {}, 0);
        }
        const BlockName name{
            {1}, {1}, BlockSeq::of(BlockClass::normal, static_cast<std::uint32_t>(block))};
        REQUIRE(builder.seal(name, BlockKey{}, {}, sealed).ok());
    }
    return builder.model_is_worse(0);
}

}  // namespace

TEST_CASE("models: one that makes sections larger is said to be worse, after some sections") {
    const auto wrong = small_model(0x0200);  // "yes" nearly for sure
    CHECK_FALSE(is_worse(wrong, 40));
    CHECK(is_worse(wrong, 60));
    // No columns: all begin as in the built-in one.
    const std::vector<std::byte> same{std::byte{1}, std::byte{0}, std::byte{0}};
    CHECK_FALSE(is_worse(same, 60));
}

TEST_CASE("models: a record that would be too long with its models names none") {
    LH_CHECK(crypto_init().ok());
    const OwnedSchema schema{"probe", {field_of(FieldKind::integer, "a")}};
    sim::SimDeviceSpool device_spool{uplink_incarnation};
    Spool& spool = *device_spool;
    SeededEntropy entropy;
    KeyIdentity identity;
    AgentSettings settings;
    settings.environment = settings.tenant = settings.device = "name";
    settings.firmware = "test 1";
    settings.sealing_key = public_key_of(known_key(9)).value();
    const auto model = small_model();
    const std::string name(limits::name_bytes_max, 'n');
    for (const std::size_t count : {std::size_t{10}, std::size_t{26}}) {
        CAPTURE(count);
        std::vector<AgentStream> streams(count);
        for (AgentStream& stream : streams) {
            stream = {schema.stream(), schema_hash(schema.encoded())};
            stream.info.name = name;
            stream.model = Model::parse(model).value();
            stream.model_hash = model_hash(model);
        }
        const Epoch epoch = spool.begin_epoch().value();
        std::vector<std::byte> scratch(settings.epoch_bytes_max);
        REQUIRE(make_epoch({epoch, settings, streams, spool, identity, entropy, {}}, scratch).ok());
        std::vector<std::byte> room(signed_epoch_bytes_max);
        const auto stored = spool.read_epoch(epoch, room);
        REQUIRE(stored.ok());
        longhaul_EpochRecord record;
        REQUIRE(parse_epoch_record(parse_signed_epoch(stored.value()).value().record, record).ok());
        const bool fits = count == 10;
        CHECK(record.streams[0].model.size == (fits ? sizeof(ModelHash) : 0));
        CHECK(streams[0].model_hash.has_value() == fits);
        CHECK(streams[0].model.dictionary().empty() != fits);
    }
}
