// What a device may not send. Each is refused with a sentence of its own.
#include <catch2/catch_test_macros.hpp>

#include "tests/unit/collector/session/talk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

struct Case {
    const char* name;
    bool introduced;
    Stored bytes;
    const char* sentence;  // or its beginning
};

Stored hello_of(std::uint32_t protocol) {
    longhaul_Hello hello = longhaul_Hello_init_zero;
    hello.protocol = protocol;
    Stored bytes(1000);
    ByteWriter out{bytes};
    LH_CHECK(write_message(hello, out).ok());
    bytes.resize(out.size());
    return bytes;
}

// A changed copy.
Stored with(Stored bytes, const std::function<void(Stored&)>& change) {
    change(bytes);
    return bytes;
}

Stored epoch_with(const std::function<void(longhaul_EpochRecord&)>& change,
                  const Issued& signer = pki().device) {
    longhaul_EpochRecord changed = record(2);
    change(changed);
    return frame(FrameType::epoch, sign_record(changed, signer));
}

// Each ends the session with its sentence, and nothing of it is handed on.
void check(const std::vector<Case>& cases) {
    for (const Case& c : cases) {
        CAPTURE(c.name);
        Talk talk;
        if (c.introduced) talk.introduce();
        const std::size_t before = talk.submitted.size();
        talk.hear(c.bytes);
        CHECK(talk.closed);
        CHECK(talk.bye().starts_with(c.sentence));
        CHECK(talk.session().end_reason().starts_with(c.sentence));
        CHECK(talk.session().broken_by_device());
        CHECK(talk.submitted.size() == before);
    }
}

}  // namespace

TEST_CASE("session: frames that a device may not send end it with a sentence") {
    const Stored too_long{std::byte{0x04}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff}};
    const Stored garbage(9, std::byte{0xff});
    check({
        {"no Hello", false, frame(FrameType::block, block(1)), "the first frame is no Hello"},
        {"other protocol", false, hello_of(2), "protocol 2 is not spoken here, only 1"},
        {"second Hello", true, hello_of(1), "a second Hello"},
        {"garbage", false, frame(FrameType::hello, garbage), "Hello cannot be read"},
        {"unknown type", true, {std::byte{0x7f}, {}, {}, {}}, "unsupported: frame type"},
        {"reserved type", true, frame(FrameType::result, {}), "unsupported: frame type"},
        {"ours", true, frame(FrameType::window, {}), "a device may not send Window"},
        {"too long", true, too_long, "too large: frame"},
        {"schema of nothing", true, frame(FrameType::schema, {}), "schema: "},
        {"schema of garbage", true, frame(FrameType::schema, garbage), "schema: "},
    });
}

TEST_CASE("session: an epoch record that is not the device's own and whole is refused") {
    const char* other_device =
        "epoch record: it names another device than the certificate of this connection";
    const auto of_version_2 = with(epoch(2), [](Stored& bytes) { bytes[3] ^= std::byte{3}; });
    const auto changed = with(epoch(2), [](Stored& bytes) { bytes[20] ^= std::byte{1}; });
    const auto longer = with(epoch(2), [](Stored& bytes) { bytes.resize(bytes.size() + 2); });
    check({
        {"nothing", true, frame(FrameType::epoch, {}), "epoch record: truncated"},
        {"more behind it", true, frame(FrameType::epoch, longer),
         "epoch record: malformed: bytes after the signed epoch"},
        {"other version", true, frame(FrameType::epoch, of_version_2),
         "epoch record: unsupported: epoch record version"},
        {"changed behind its signature", true, frame(FrameType::epoch, changed), "epoch record: "},
        {"other device", true,
         epoch_with([](auto& epoch) { std::strcpy(epoch.device, "bus-2"); }, pki().other),
         other_device},
        {"other tenant", true, epoch_with([](auto& epoch) { std::strcpy(epoch.tenant, "rival"); }),
         other_device},
        {"other environment", true,
         epoch_with([](auto& epoch) { std::strcpy(epoch.environment, "test"); }), other_device},
        {"other incarnation", true, epoch_with([](auto& epoch) { epoch.incarnation = 8; }),
         "epoch record: it is of another incarnation than the Hello"},
        {"signed by another", true, epoch_with([](auto&) {}, pki().other),
         "epoch record: denied: the epoch record is signed by another device"},
        {"unknown schema", true,
         epoch_with([](auto& epoch) { epoch.streams[0].schema_hash[0] ^= 1; }),
         "epoch record: the schema of stream 1 has not come"},
    });
}

TEST_CASE("session: a block that is not whole, or whose epoch has not come, is refused") {
    const auto shorter = with(block(1), [](Stored& bytes) { bytes.pop_back(); });
    const auto of_version_2 = with(block(1), [](Stored& bytes) { bytes[0] = std::byte{2}; });
    check({
        {"nothing", true, frame(FrameType::block, {}), "block: "},
        {"too short", true, frame(FrameType::block, shorter), "block: "},
        {"other version", true, frame(FrameType::block, of_version_2), "block: unsupported"},
        {"unknown epoch", true, frame(FrameType::block, block(1, 2)),
         "block of epoch 2 whose record has not come"},
        {"other incarnation", true, frame(FrameType::block, block(1, 1, 100, 8)),
         "block of epoch 1 whose record has not come"},
    });
}

TEST_CASE("session: an epoch sealed to a key that the writer lacks is refused") {
    SealingKeyId held{};
    using Keys = std::vector<SealingKeyId>;
    Talk refused{[&](SessionSettings& settings) {
        settings.sealing_keys = std::make_shared<const Keys>(Keys{held});
    }};
    refused.hear_hello();
    refused.hear(FrameType::schema, schema());
    refused.hear(FrameType::epoch, epoch());
    CHECK(refused.closed);
    CHECK(refused.bye() == "epoch record: it is sealed to a key that this collector does not hold");
    const SealingKeyId right = sealing_key_id(public_key_of(pki().sealing).value());
    for (const SealingTenants& whose : {SealingTenants{}, SealingTenants{{right, "acme"}}}) {
        Talk taken{[&](SessionSettings& settings) {
            settings.sealing_keys = std::make_shared<const Keys>(Keys{held, right});
            settings.sealing_tenants = &whose;
        }};
        taken.introduce();
        CHECK_FALSE(taken.closed);
    }
    const SealingTenants of_rival{{right, "rival"}};
    Talk foreign{[&](SessionSettings& settings) { settings.sealing_tenants = &of_rival; }};
    foreign.hear_hello();
    foreign.hear(FrameType::schema, schema());
    foreign.hear(FrameType::epoch, epoch());
    CHECK(foreign.bye() == "epoch record: it is sealed to a key of another tenant");
}

TEST_CASE("session: a tenant has a bounded number of schemas") {
    Talk talk{[](SessionSettings& settings) { settings.schemas_max = 2; }};
    talk.hear_hello();
    talk.hear(FrameType::schema, schema("a"));
    talk.hear(FrameType::schema, schema("b"));
    talk.hear(FrameType::schema, schema("a"));  // known, counts once
    CHECK_FALSE(talk.closed);
    talk.hear(FrameType::schema, schema("c"));
    CHECK(talk.closed);
    CHECK(talk.bye() == "schema: the tenant has as many as it may have");
}
