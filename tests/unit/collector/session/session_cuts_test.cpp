// One conversation, cut in pieces that come in rooms which others use as soon as the session rests.
#include <algorithm>
#include <memory>
#include <random>

#include "tests/support/model.hpp"
#include "tests/unit/collector/session/talk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

struct Outcome {
    std::vector<std::pair<JournalKind, Stored>> submitted;
    std::string end;
    bool operator==(const Outcome&) const = default;
};

const std::array<Stored, 2> models{test::small_model(), test::small_model(0x7000)};

Stored hello_with_models() {
    longhaul_Hello hello = longhaul_Hello_init_zero;
    hello.protocol = protocol_version;
    hello.incarnation = 7;
    hello.oldest_epoch = hello.newest_epoch = 1;
    hello.models = true;
    hello.schema_hashes_count = 1;
    hello.schema_hashes[0].size = sizeof(SchemaHash);
    const SchemaHash hash = schema_hash(schema());
    std::memcpy(hello.schema_hashes[0].bytes, hash.data(), hash.size());
    Stored bytes(4096);
    ByteWriter out{bytes};
    LH_CHECK(write_message(hello, out).ok());
    bytes.resize(out.size());
    return bytes;
}

// Both of its models have to go into the journal before it.
Stored epoch_with_models() {
    longhaul_EpochRecord made = record();
    made.streams_count = models.size();
    made.streams[1] = made.streams[0];
    made.streams[1].index = 2;
    std::strcpy(made.streams[1].name, "other");
    for (std::size_t i = 0; i < models.size(); ++i) {
        const ModelHash hash = model_hash(models[i]);
        made.streams[i].model.size = hash.size();
        std::memcpy(made.streams[i].model.bytes, hash.data(), hash.size());
    }
    return sign_record(made, pki().device);
}

Stored conversation() {
    const ModelHash wanted = model_hash(models[1]);
    Stored all = hello_with_models();
    const std::pair<FrameType, Stored> frames[] = {
        {FrameType::schema, schema()},
        {FrameType::epoch, epoch_with_models()},
        {FrameType::want, {wanted.begin(), wanted.end()}},
        {FrameType::block, block(1)},
        {FrameType::block, block(2, 1, 16'000)},
        {FrameType::block, block(3, 1, 1)},
        {FrameType::schema, schema("another")},
        {FrameType::block, block(4)},
        {FrameType::bye, {}},
    };
    for (const auto& [type, body] : frames) {
        const Stored bytes = frame(type, body);
        all.insert(all.end(), bytes.begin(), bytes.end());
    }
    return all;
}

// A session that may be made to rest between any two calls.
class CutTalk {
 public:
    explicit CutTalk(std::optional<std::uint32_t> rests) : rests_{rests} {
        std::vector<KeptModel> kept;
        for (const Stored& model : models)
            kept.push_back({"acme", schema_hash(schema()), model_hash(model), {}, model});
        shelf_.add(std::move(kept));
        SessionSettings settings;
        settings.models = &shelf_;
        session_.emplace(bus, settings, known_, std::span{&pki().authority, 1}, MonotonicMs{1});
    }

    void hear(Bytes piece) {
        if (!outcome_.end.empty()) return;
        room_ = std::make_unique<Stored>(piece.begin(), piece.end());
        session_->on_bytes(*room_, wall, MonotonicMs{2});
        may_rest();
        for (SessionAction action = session_->next(); action.kind != SessionAction::Kind::wait;
             action = session_->next()) {
            if (action.kind == SessionAction::Kind::close) {
                outcome_.end = session_->end_reason();
                return;
            }
            if (action.kind == SessionAction::Kind::submit)
                outcome_.submitted.emplace_back(action.entry_kind,
                                                Stored{action.bytes.begin(), action.bytes.end()});
            may_rest();
        }
        may_rest();
        std::fill(room_->begin(), room_->end(), std::byte{0xee});
    }
    const Outcome& outcome() const { return outcome_; }

 private:
    void may_rest() {
        if (!rests_ || random_() % 2 == 0) return;
        session_->rest();
        std::fill(room_->begin(), room_->end(), std::byte{0xee});
        const std::uint64_t left = outcome_.submitted.size() - durable_;
        session_->on_durable(durable_ += left == 0 ? 0 : random_() % (left + 1));
    }

    std::optional<std::uint32_t> rests_;  // seed
    std::mt19937 random_{rests_.value_or(0)};
    ModelShelf shelf_;
    KnownDevices known_;
    std::optional<Session> session_;
    std::unique_ptr<Stored> room_;
    Outcome outcome_;
    std::uint64_t durable_ = 0;
};

}  // namespace

TEST_CASE("session: however its bytes are cut, and whenever it rests, it hears the same") {
    static_cast<void>(pki());  // starts the cryptography
    const Stored all = conversation();
    CutTalk whole{std::nullopt};
    whole.hear(all);
    REQUIRE(whole.outcome().submitted.size() == 9);
    REQUIRE(whole.outcome().end == "the device said goodbye");
    for (std::uint32_t seed = 0; seed < 100; ++seed) {
        CAPTURE(seed);
        std::mt19937 random{seed};
        const std::size_t piece_max = std::size_t{8} << seed % 12;
        CutTalk talk{seed};
        for (Bytes rest = all; !rest.empty();) {
            const std::size_t piece = std::min(rest.size(), 1 + random() % piece_max);
            talk.hear(rest.first(piece));
            rest = rest.subspan(piece);
        }
        REQUIRE(talk.outcome() == whole.outcome());
    }
}
