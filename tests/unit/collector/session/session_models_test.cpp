// What a session does with models: offers them, sends them, and lets them go into the journal
// before the first record that names them.
#include <catch2/catch_test_macros.hpp>

#include "tests/support/model.hpp"
#include "tests/unit/collector/session/talk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

// A talk with a collector that has two models for the schema; the second is offered.
struct ModelTalk {
    ModelTalk()
        : talk{[this](SessionSettings& settings) {
              std::vector<KeptModel> kept;
              for (const Stored& model : {first, second})
                  kept.push_back({"acme", schema_hash(schema()), model_hash(model), {}, model});
              shelf.add(std::move(kept));
              settings.models = &shelf;
          }} {}

    void hear_hello(bool models) {
        longhaul_Hello hello = longhaul_Hello_init_zero;
        hello.protocol = protocol_version;
        hello.incarnation = 7;
        hello.oldest_epoch = hello.newest_epoch = 1;
        hello.models = models;
        for (const Stored& listed : {schema("other"), schema()}) {
            auto& entry = hello.schema_hashes[hello.schema_hashes_count++];
            const SchemaHash hash = schema_hash(listed);
            entry.size = static_cast<pb_size_t>(hash.size());
            std::memcpy(entry.bytes, hash.data(), hash.size());
        }
        talk.hear_hello(hello);
    }
    Stored epoch_with(const Stored& model) {
        longhaul_EpochRecord made = record();
        const ModelHash hash = model_hash(model);
        made.streams[0].model.size = static_cast<pb_size_t>(hash.size());
        std::memcpy(made.streams[0].model.bytes, hash.data(), hash.size());
        return sign_record(made, pki().device);
    }
    void want(const Stored& model) { talk.hear(FrameType::want, model_hash(model)); }

    Stored first = test::small_model();
    Stored second = test::small_model(0x7000);
    ModelShelf shelf;
    Talk talk;
};

std::vector<JournalKind> kinds(const Talk& talk) {
    std::vector<JournalKind> kinds;
    for (const auto& [kind, body] : talk.submitted) kinds.push_back(kind);
    return kinds;
}

using Kinds = std::vector<JournalKind>;

}  // namespace

TEST_CASE("session: the model that was added last is offered to devices that can use it") {
    ModelTalk bench;
    bench.hear_hello(true);
    const auto welcome = bench.talk.said<longhaul_Welcome>(FrameType::welcome);
    REQUIRE(welcome.offers_count == 1);
    CHECK(welcome.offers[0].schema == 1);
    CHECK(welcome.offers[0].bytes == bench.second.size());
    const ModelHash hash = model_hash(bench.second);
    CHECK(std::memcmp(welcome.offers[0].model, hash.data(), hash.size()) == 0);

    ModelTalk old;
    old.hear_hello(false);
    CHECK(old.talk.said<longhaul_Welcome>(FrameType::welcome).offers_count == 0);
}

TEST_CASE("session: a model that is wanted comes in one frame, once") {
    ModelTalk bench;
    bench.hear_hello(true);
    bench.want(bench.second);
    CHECK(bench.talk.count(FrameType::model) == 1);
    CHECK_FALSE(bench.talk.closed);
    bench.want(bench.second);
    CHECK(bench.talk.count(FrameType::model) == 1);
    CHECK(bench.talk.closed);
    CHECK(bench.talk.bye() == "a model is wanted that was not offered, or was sent already");
}

TEST_CASE("session: a model that was not offered is refused, and so is what is no hash") {
    ModelTalk other;
    other.hear_hello(true);
    other.want(other.first);
    CHECK(other.talk.closed);

    ModelTalk unoffered;
    unoffered.hear_hello(false);
    unoffered.want(unoffered.second);
    CHECK(unoffered.talk.closed);

    ModelTalk short_hash;
    short_hash.hear_hello(true);
    short_hash.talk.hear(FrameType::want, Bytes{model_hash(short_hash.second)}.first(31));
    CHECK(short_hash.talk.closed);

    ModelTalk early;
    early.want(early.second);
    CHECK(early.talk.closed);
}

TEST_CASE("session: a model is submitted before the first record that names it, and only then") {
    ModelTalk bench;
    bench.hear_hello(true);
    bench.talk.hear(FrameType::schema, schema());
    bench.talk.hear(FrameType::epoch, bench.epoch_with(bench.first));  // an older one is kept, too
    CHECK(kinds(bench.talk) == Kinds{JournalKind::schema, JournalKind::model, JournalKind::epoch});
    CHECK(bench.talk.submitted[1].second == bench.first);
    CHECK_FALSE(bench.talk.closed);

    CHECK_FALSE(bench.talk.known.has_model(0, "acme", model_hash(bench.first)));
    bench.talk.tell_durable(2);
    CHECK(bench.talk.known.has_model(0, "acme", model_hash(bench.first)));
    ModelTalk later;
    later.talk.known = bench.talk.known;
    later.hear_hello(true);
    later.talk.hear(FrameType::epoch, later.epoch_with(later.first));
    CHECK(kinds(later.talk) == Kinds{JournalKind::epoch});
}

TEST_CASE("session: a record may name a model that the collector does not have") {
    ModelTalk bench;
    bench.hear_hello(true);
    bench.talk.hear(FrameType::schema, schema());
    bench.talk.hear(FrameType::epoch, bench.epoch_with(test::small_model(0x1000)));
    bench.talk.hear(FrameType::block, block(1));
    CHECK(kinds(bench.talk) == Kinds{JournalKind::schema, JournalKind::epoch, JournalKind::block});
    CHECK_FALSE(bench.talk.closed);
}

TEST_CASE("session: a newer sealing key goes to a device that has another, once") {
    const auto certificate = Stored{std::byte{1}, std::byte{2}};
    const SealingOffer offer{{std::byte{1}}, certificate};
    const SealingOffer next{{std::byte{2}}, certificate};
    struct Case {
        const char* what;
        std::vector<pb_byte_t> has;  // the beginning of the id, of 8 bytes; empty: does not say
        const SealingOffer* offer;
        std::size_t at_welcome, after_next;
    };
    const Case cases[] = {
        {"it has another", {9}, &offer, 1, 2},
        {"it has this one", {1}, &offer, 0, 1},
        {"it has the next one", {2}, &offer, 1, 2},
        {"it does not know the frame", {}, &offer, 0, 0},
        {"there was none when it connected", {9}, nullptr, 1, 2},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        Talk talk{[&](SessionSettings& settings) { settings.sealing_offer = each.offer; }};
        talk.session().offer_sealing_key(&offer);  // before Hello it waits for it
        longhaul_Hello hello = longhaul_Hello_init_zero;
        hello.protocol = protocol_version;
        hello.incarnation = 7;
        if (!each.has.empty()) {
            hello.sealing_key.size = sizeof(SealingKeyId);
            hello.sealing_key.bytes[0] = each.has[0];
        }
        talk.hear_hello(hello);
        CHECK(talk.count(FrameType::welcome) == 1);
        CHECK(talk.count(FrameType::sealing_key) == each.at_welcome);
        talk.session().offer_sealing_key(&next);
        talk.session().offer_sealing_key(&next);
        talk.session().offer_sealing_key(nullptr);
        talk.tick({1});
        CHECK(talk.count(FrameType::sealing_key) == each.after_next);
        CHECK_FALSE(talk.closed);
    }
}
