// A session is told bytes and durability; what it wants is compared with what the protocol allows.
#include "collector/session/session.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/pki.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using test::Issued;

namespace {

using Stored = std::vector<std::byte>;
using Kind = SessionAction::Kind;

const DeviceName bus{"demo", "acme", "bus-1"};
constexpr WallUs wall{1'700'000'000'000'000};

// Keys and certificates are dear to make, and all tests share them.
struct Pki {
    Issued acme = test::issue_authority("acme authority");
    Issued device = test::issue_device(acme, bus);
    Issued other = test::issue_device(acme, {"demo", "acme", "bus-2"});
    PrivateKey sealing = private_key_of(generate_key().value()).value();
    Certificate authority = Certificate::parse(as_bytes(acme.certificate)).value();
};

const Pki& pki() {
    static const Pki made;
    return made;
}

Stored frame(FrameType type, Bytes body) {
    Stored bytes(frame_header_bytes + body.size());
    ByteWriter out{bytes};
    write_frame(type, body, out);
    return bytes;
}

Stored schema(const std::string& name = "position") {
    const Field field{.name = "speed", .unit = "m/s", .help = {}, .labels = {}};
    Schema described{.name = name, .fields = {&field, 1}};
    Stored bytes(limits::schema_bytes_max);
    ByteWriter out{bytes};
    LH_CHECK(encode_schema(described, out).ok());
    bytes.resize(out.size());
    return bytes;
}

longhaul_EpochRecord record(std::uint32_t epoch = 1, const Stored& of_schema = schema()) {
    longhaul_EpochRecord record = longhaul_EpochRecord_init_zero;
    record.version = epoch_record_version;
    std::strcpy(record.environment, "demo");
    std::strcpy(record.tenant, "acme");
    std::strcpy(record.device, "bus-1");
    record.incarnation = 7;
    record.epoch = epoch;
    record.streams_count = 1;
    record.streams[0].index = 1;
    std::strcpy(record.streams[0].name, "position");
    const SchemaHash hash = schema_hash(of_schema);
    std::memcpy(record.streams[0].schema_hash, hash.data(), hash.size());
    record.streams[0].block_class = 2;
    const auto keys = derive_epoch_keys(as_bytes("fresh"), as_bytes("secret"), {7}, {epoch});
    LH_CHECK(wrap_block_key(public_key_of(pki().sealing).value(), keys.value(), record).ok());
    return record;
}

Stored sign_record(const longhaul_EpochRecord& record, const Issued& signer) {
    Stored encoded(limits::epoch_record_bytes_max);
    ByteWriter room{encoded};
    LH_CHECK(encode_epoch_record(record, room).ok());
    const auto signature = sign(private_key_of(signer.key).value(), room.written());
    const Certificate certificate = Certificate::parse(as_bytes(signer.certificate)).value();
    Stored bytes(signed_epoch_bytes_max);
    ByteWriter out{bytes};
    write_signed_epoch({room.written(), signature.value(), certificate.der()}, out);
    bytes.resize(out.size());
    return bytes;
}

Stored epoch(std::uint32_t number = 1) { return sign_record(record(number), pki().device); }

Stored block(std::uint32_t number, std::uint32_t epoch = 1, std::size_t body_bytes = 100,
             std::uint32_t incarnation = 7) {
    Stored body(body_bytes);
    Stored sealed(block_header_bytes + body_bytes + block_tag_bytes);
    const BlockName name{{incarnation}, {epoch}, BlockSeq::of(BlockClass::normal, number)};
    LH_CHECK(seal_block(BlockKey{}, name, 10, body, sealed).ok());
    return sealed;
}

// One session and what it wanted.
class Talk {
 public:
    explicit Talk(const std::function<void(SessionSettings&)>& change = {}) {
        SessionSettings settings;
        settings.journal.uuid[0] = std::byte{42};
        settings.journal.resend = 3;
        settings.credit_bytes = 1000;
        if (change) change(settings);
        session_.emplace(bus, settings, known, pki().authority, MonotonicMs{0});
    }

    void hear(Bytes bytes, MonotonicMs now = {1}) {
        while (!bytes.empty() && !closed) {
            const std::size_t taken = session_->on_bytes(bytes, wall, now);
            REQUIRE(taken != 0);
            bytes = bytes.subspan(taken);
            obey();
        }
    }
    void hear(FrameType type, Bytes body) { hear(frame(type, body)); }
    void hear_hello(std::uint32_t oldest = 1, std::uint32_t newest = 1) {
        longhaul_Hello hello = longhaul_Hello_init_zero;
        hello.protocol = protocol_version;
        hello.incarnation = 7;
        hello.oldest_epoch = oldest;
        hello.newest_epoch = newest;
        hello.schema_hashes_count = 1;
        hello.schema_hashes[0].size = 32;
        const SchemaHash hash = schema_hash(schema());
        std::memcpy(hello.schema_hashes[0].bytes, hash.data(), hash.size());
        hear_hello(hello);
    }
    void hear_hello(const longhaul_Hello& hello) {
        Stored bytes(4096);
        ByteWriter out{bytes};
        REQUIRE(write_message(hello, out).ok());
        hear(out.written());
    }
    // Hello, schema, epoch, all durable: blocks may come.
    void introduce() {
        hear_hello();
        hear(FrameType::schema, schema());
        hear(FrameType::epoch, epoch());
        REQUIRE_FALSE(closed);
        session_->on_durable(submitted.size());
        obey();
    }
    void tell_durable(std::uint64_t count) {
        session_->on_durable(count);
        obey();
    }
    void tick(MonotonicMs now) {
        session_->on_tick(now);
        obey();
    }
    void finish() {
        session_->finish();
        obey();
    }
    Session& session() { return *session_; }

    // The n-th message of this type that was written.
    template <class Message>
    Message said(FrameType type, std::size_t n = 0) {
        for (const auto& [written, body] : frames_written()) {
            if (written != type || n-- != 0) continue;
            Message message;
            REQUIRE(parse_message(body, message).ok());
            return message;
        }
        FAIL("was not said");
        return {};
    }
    std::size_t count(FrameType type) {
        std::size_t n = 0;
        for (const auto& [written, body] : frames_written()) n += written == type ? 1 : 0;
        return n;
    }
    std::string bye() { return said<longhaul_Bye>(FrameType::collector_bye).text; }

    KnownDevices known;
    std::vector<std::pair<JournalKind, Stored>> submitted;
    bool closed = false;

 private:
    void obey() {
        for (;;) {
            const SessionAction action = session_->next();
            const Stored bytes{action.bytes.begin(), action.bytes.end()};
            switch (action.kind) {
                case Kind::wait:
                    return;
                case Kind::submit:
                    submitted.emplace_back(action.entry_kind, bytes);
                    break;
                case Kind::write:
                    out_.insert(out_.end(), bytes.begin(), bytes.end());
                    break;
                case Kind::close:
                    closed = true;
                    return;
            }
        }
    }
    std::vector<std::pair<FrameType, Stored>> frames_written() const {
        Stored room(frame_bytes_max);
        FrameReader reader{room};
        std::vector<std::pair<FrameType, Stored>> frames;
        for (Bytes rest = out_; !rest.empty();) {
            rest = rest.subspan(reader.feed(rest));
            for (auto next = reader.next(); next.ok(); next = reader.next()) {
                const Bytes body = next.value().body;
                frames.emplace_back(next.value().type, Stored{body.begin(), body.end()});
            }
        }
        return frames;
    }

    std::optional<Session> session_;
    Stored out_;
};

using Ranges = std::vector<std::array<std::uint32_t, 3>>;

Ranges ranges_of(const longhaul_Ack& ack) {
    Ranges ranges;
    for (pb_size_t i = 0; i < ack.ranges_count; ++i) {
        ranges.push_back({ack.ranges[i].epoch, BlockSeq{ack.ranges[i].first_seq}.number(),
                          BlockSeq{ack.ranges[i].last_seq}.number()});
    }
    return ranges;
}

}  // namespace

TEST_CASE("session: Welcome names the journal, the credit, and what is known already") {
    Talk talk;
    for (const std::uint32_t known : {2, 3, 5}) talk.known.add_epoch("acme", "bus-1", {7}, {known});
    talk.hear_hello(2, 6);
    const auto welcome = talk.said<longhaul_Welcome>(FrameType::welcome);
    CHECK(welcome.journal_uuid[0] == 42);
    CHECK(welcome.journal_resend == 3);
    CHECK(welcome.credit == 1000);
    CHECK(welcome.server_time_us == wall.value);
    CHECK(welcome.unknown_schemas == 1);
    REQUIRE(welcome.known_epochs_count == 2);
    CHECK(welcome.known_epochs[0].last == 3);
    CHECK(welcome.known_epochs[1].first == 5);

    Talk again;
    again.known.add_schema(0, "acme", schema_hash(schema()));
    again.hear_hello();
    CHECK(again.said<longhaul_Welcome>(FrameType::welcome).unknown_schemas == 0);
}

TEST_CASE("session: schema, epoch and block are handed on byte for byte and in order") {
    Talk talk;
    talk.hear_hello();
    const Stored sent_epoch = epoch();
    talk.hear(FrameType::schema, schema());
    talk.hear(FrameType::epoch, sent_epoch);
    talk.hear(FrameType::block, block(1));
    REQUIRE(talk.submitted.size() == 3);
    CHECK(talk.submitted[0] == std::pair{JournalKind::schema, schema()});
    CHECK(talk.submitted[1] == std::pair{JournalKind::epoch, sent_epoch});
    CHECK(talk.submitted[2] == std::pair{JournalKind::block, block(1)});
    CHECK(talk.session().counters().blocks == 1);
}

TEST_CASE("session: it does not matter how the bytes are cut") {
    Stored all;
    const auto add = [&all](const Stored& bytes) {
        all.insert(all.end(), bytes.begin(), bytes.end());
    };
    add(frame(FrameType::schema, schema()));
    add(frame(FrameType::epoch, epoch()));
    add(frame(FrameType::block, block(1)));
    add(frame(FrameType::block, block(2)));
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{3}, std::size_t{1000}, all.size()}) {
        CAPTURE(piece);
        Talk talk;
        talk.hear_hello();
        for (std::size_t at = 0; at < all.size(); at += piece) {
            talk.hear(Bytes{all}.subspan(at, std::min(piece, all.size() - at)));
        }
        CHECK(talk.submitted.size() == 4);
        CHECK_FALSE(talk.closed);
    }
}

TEST_CASE("session: a block is acknowledged when it is durable, not before") {
    Talk talk;
    talk.introduce();
    const std::uint64_t before = talk.submitted.size();
    talk.hear(FrameType::block, block(1));
    talk.hear(FrameType::block, block(2));
    CHECK(talk.count(FrameType::ack) == 0);
    talk.tell_durable(before);
    CHECK(talk.count(FrameType::ack) == 0);
    talk.tell_durable(before + 1);
    const auto ack = talk.said<longhaul_Ack>(FrameType::ack);
    CHECK(ranges_of(ack) == Ranges{{1, 1, 1}});
    CHECK(ack.journal_uuid[0] == 42);
    CHECK(ack.journal_resend == 3);
    talk.tell_durable(before + 1);
    CHECK(talk.count(FrameType::ack) == 1);
    talk.tell_durable(before + 2);
    CHECK(ranges_of(talk.said<longhaul_Ack>(FrameType::ack, 1)) == Ranges{{1, 2, 2}});
    CHECK(talk.session().counters().acked_blocks == 2);
}

TEST_CASE("session: what becomes durable together is acknowledged as few ranges") {
    Talk talk{[](SessionSettings& settings) { settings.credit_bytes = 100'000; }};
    talk.introduce();
    const std::uint64_t before = talk.submitted.size();
    for (const std::uint32_t number : {1, 2, 3, 5, 6, 9, 8}) {
        talk.hear(FrameType::block, block(number));
    }
    talk.tell_durable(before + 7);
    CHECK(ranges_of(talk.said<longhaul_Ack>(FrameType::ack)) ==
          Ranges{{1, 1, 3}, {1, 5, 6}, {1, 9, 9}, {1, 8, 8}});
}

TEST_CASE("session: more ranges than an Ack can hold become several") {
    Talk talk{[](SessionSettings& settings) { settings.credit_bytes = 1'000'000; }};
    talk.introduce();
    const std::uint64_t before = talk.submitted.size();
    const std::size_t blocks = limits::ack_ranges_max + 10;
    for (std::uint32_t i = 0; i < blocks; ++i) talk.hear(FrameType::block, block(1 + 2 * i));
    talk.tell_durable(before + blocks);
    REQUIRE(talk.count(FrameType::ack) == 2);
    CHECK(talk.said<longhaul_Ack>(FrameType::ack, 0).ranges_count == limits::ack_ranges_max);
    CHECK(talk.said<longhaul_Ack>(FrameType::ack, 1).ranges_count == 10);
}

TEST_CASE("session: credit is raised by what has become durable, and may not be exceeded") {
    Talk talk;  // 1000 bytes
    talk.introduce();
    const std::uint64_t before = talk.submitted.size();
    const std::size_t size = block(1).size();
    std::uint32_t sent = 0;
    for (std::size_t bytes = 0; bytes + size <= 1000; bytes += size) {
        talk.hear(FrameType::block, block(++sent));
    }
    CHECK_FALSE(talk.closed);
    CHECK(talk.count(FrameType::window) == 0);
    talk.tell_durable(before + sent);
    CHECK(talk.said<longhaul_Window>(FrameType::window).credit == 1000 + sent * size);
    const std::size_t more = (1000 + sent * size) / size;
    while (sent < more) talk.hear(FrameType::block, block(++sent));
    CHECK_FALSE(talk.closed);
    talk.hear(FrameType::block, block(++sent));
    CHECK(talk.closed);
    CHECK(talk.bye() == "more bytes of blocks than the credit allows");
    CHECK(talk.submitted.size() == before + more);
}

TEST_CASE("session: what is durable is known to the next session, what is not is not") {
    Talk talk;
    talk.hear_hello();
    talk.hear(FrameType::schema, schema());
    talk.hear(FrameType::epoch, epoch());
    CHECK_FALSE(talk.known.has_schema(0, "acme", schema_hash(schema())));
    talk.tell_durable(1);
    CHECK(talk.known.has_schema(0, "acme", schema_hash(schema())));
    CHECK_FALSE(talk.known.has_epoch("acme", "bus-1", {7}, {1}));
    talk.tell_durable(2);
    CHECK(talk.known.has_epoch("acme", "bus-1", {7}, {1}));
}

TEST_CASE("session: what is known already is taken once more and not kept twice") {
    Talk talk;
    talk.introduce();
    const std::size_t before = talk.submitted.size();
    talk.hear(FrameType::schema, schema());
    talk.hear(FrameType::epoch, epoch());
    CHECK_FALSE(talk.closed);
    CHECK(talk.submitted.size() == before);
    talk.hear(FrameType::block, block(1));
    CHECK(talk.submitted.size() == before + 1);
}

TEST_CASE("session: a repeated block is handed on and acknowledged again, the writer drops it") {
    Talk talk;
    talk.introduce();
    const std::uint64_t before = talk.submitted.size();
    talk.hear(FrameType::block, block(1));
    talk.hear(FrameType::block, block(1));
    talk.tell_durable(before + 2);
    CHECK(ranges_of(talk.said<longhaul_Ack>(FrameType::ack)) == Ranges{{1, 1, 1}, {1, 1, 1}});
}

TEST_CASE("session: what breaks the protocol ends it with a sentence, and nothing of it is kept") {
    struct Case {
        const char* name;
        bool introduced;
        Stored bytes;
        const char* sentence;
    };
    longhaul_Hello hello = longhaul_Hello_init_zero;
    hello.protocol = 2;
    Stored other_protocol(4096);
    ByteWriter out{other_protocol};
    REQUIRE(write_message(hello, out).ok());
    other_protocol.resize(out.size());

    auto of_other_device = record();
    std::strcpy(of_other_device.device, "bus-2");
    auto of_other_tenant = record();
    std::strcpy(of_other_tenant.tenant, "rival");
    auto of_other_environment = record();
    std::strcpy(of_other_environment.environment, "test");
    auto of_other_incarnation = record(2);
    of_other_incarnation.incarnation = 8;
    auto of_other_version = sign_record(record(2), pki().device);
    of_other_version[3] ^= std::byte{1};  // behind the length and the field's tag
    auto changed = epoch(2);
    changed[20] ^= std::byte{1};
    auto unknown_schema = record(2, schema("unknown"));
    auto two_bytes_more = epoch(2);
    two_bytes_more.resize(two_bytes_more.size() + 2);
    auto short_block = block(1);
    short_block.pop_back();
    auto version_of_block = block(1);
    version_of_block[0] = std::byte{2};

    const auto of = [](FrameType type, const Stored& body) { return frame(type, body); };
    const Case cases[] = {
        {"no Hello", false, of(FrameType::block, block(1)), "the first frame is no Hello"},
        {"other protocol", false, other_protocol, "protocol 2 is not spoken here, only 1"},
        {"second Hello", true, other_protocol, "a second Hello"},
        {"garbage Hello", false, of(FrameType::hello, Stored(9, std::byte{0xff})),
         "Hello cannot be read"},
        {"unknown type", true, Stored{std::byte{0x7f}, {}, {}, {}}, "unsupported: frame type"},
        {"reserved type", true, of(FrameType::result, {}), "unsupported: frame type"},
        {"collector's frame", true, of(FrameType::window, {}), "a device may not send Window"},
        {"too long", true,
         Stored{std::byte{0x04}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff}},
         "too large: frame"},
        {"schema of nothing", true, of(FrameType::schema, {}), "schema: "},
        {"schema of garbage", true, of(FrameType::schema, Stored(40, std::byte{0x41})), "schema: "},
        {"epoch of nothing", true, of(FrameType::epoch, {}), "epoch record: "},
        {"epoch with more behind it", true, of(FrameType::epoch, two_bytes_more),
         "epoch record: malformed: bytes after the signed epoch"},
        {"epoch of another version", true, of(FrameType::epoch, of_other_version),
         "epoch record: unsupported: epoch record version"},
        {"epoch of another device", true,
         of(FrameType::epoch, sign_record(of_other_device, pki().other)),
         "epoch record: it names another device than the certificate of this connection"},
        {"epoch of another tenant", true,
         of(FrameType::epoch, sign_record(of_other_tenant, pki().device)),
         "epoch record: it names another device than the certificate of this connection"},
        {"epoch of another environment", true,
         of(FrameType::epoch, sign_record(of_other_environment, pki().device)),
         "epoch record: it names another device than the certificate of this connection"},
        {"epoch of another incarnation", true,
         of(FrameType::epoch, sign_record(of_other_incarnation, pki().device)),
         "epoch record: it is of another incarnation than the Hello"},
        {"epoch signed by another", true, of(FrameType::epoch, sign_record(record(2), pki().other)),
         "epoch record: denied: the epoch record is signed by another device"},
        {"epoch changed behind its signature", true, of(FrameType::epoch, changed),
         "epoch record: "},
        {"epoch with an unknown schema", true,
         of(FrameType::epoch, sign_record(unknown_schema, pki().device)),
         "epoch record: the schema of stream 1 has not come"},
        {"empty block", true, of(FrameType::block, {}), "block: "},
        {"short block", true, of(FrameType::block, short_block), "block: "},
        {"block of another version", true, of(FrameType::block, version_of_block), "block: "},
        {"block of an unknown epoch", true, of(FrameType::block, block(1, 2)),
         "block of epoch 2 whose record has not come"},
        {"block of another incarnation", true, of(FrameType::block, block(1, 1, 100, 8)),
         "block of epoch 1 whose record has not come"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.name);
        Talk talk;
        if (c.introduced) talk.introduce();
        const std::size_t before = talk.submitted.size();
        talk.hear(c.bytes);
        CHECK(talk.closed);
        CHECK(talk.bye().starts_with(c.sentence));
        CHECK(talk.session().end_reason().starts_with(c.sentence));
        CHECK(talk.submitted.size() == before);
    }
}

TEST_CASE("session: an epoch sealed to a key that the writer lacks is refused") {
    SealingKeyId held{};
    Talk refused{[&](SessionSettings& settings) { settings.sealing_keys = {held}; }};
    refused.hear_hello();
    refused.hear(FrameType::schema, schema());
    refused.hear(FrameType::epoch, epoch());
    CHECK(refused.closed);
    CHECK(refused.bye() == "epoch record: it is sealed to a key that this collector does not hold");
    const SealingKeyId right = sealing_key_id(public_key_of(pki().sealing).value());
    Talk taken{[&](SessionSettings& settings) { settings.sealing_keys = {held, right}; }};
    taken.introduce();
    CHECK_FALSE(taken.closed);
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

TEST_CASE("session: a device that says nothing is let go, with a deadline for each silence") {
    Talk silent;
    CHECK(silent.session().deadline() == MonotonicMs{15'000});
    silent.tick({14'999});
    CHECK_FALSE(silent.closed);
    silent.tick({15'000});
    CHECK(silent.closed);
    CHECK(silent.bye() == "no Hello came in time");

    Talk idle;
    idle.introduce();
    CHECK(idle.session().deadline() == MonotonicMs{900'001});
    idle.tick({900'000});
    CHECK_FALSE(idle.closed);
    idle.hear(frame(FrameType::block, block(1)), {900'000});
    idle.tick({900'001});
    CHECK_FALSE(idle.closed);
    idle.tick({1'800'000});
    CHECK(idle.closed);
    const auto bye = idle.said<longhaul_Bye>(FrameType::collector_bye);
    CHECK(bye.reason == longhaul_ByeReason_BYE_REASON_IDLE);
}

TEST_CASE("session: half a Hello does not prolong the wait for it") {
    Talk talk;
    talk.hear(Stored{std::byte{0x01}}, {14'000});
    CHECK(talk.session().deadline() == MonotonicMs{15'000});
}

TEST_CASE("session: when the collector goes down, what was accepted is still acknowledged") {
    Talk talk;
    talk.introduce();
    const std::uint64_t before = talk.submitted.size();
    talk.hear(FrameType::block, block(1));
    talk.finish();
    CHECK_FALSE(talk.closed);
    talk.hear(FrameType::block, block(2));  // came too late: not read any more
    CHECK(talk.submitted.size() == before + 1);
    talk.tell_durable(before + 1);
    CHECK(talk.closed);
    CHECK(ranges_of(talk.said<longhaul_Ack>(FrameType::ack)) == Ranges{{1, 1, 1}});
    const auto bye = talk.said<longhaul_Bye>(FrameType::collector_bye);
    CHECK(bye.reason == longhaul_ByeReason_BYE_REASON_SHUTDOWN);
    CHECK(bye.retry_after_ms == 1000);
}

TEST_CASE("session: with nothing under way it goes down at once") {
    Talk before_hello;
    before_hello.finish();
    CHECK(before_hello.closed);
    Talk introduced;
    introduced.introduce();
    introduced.finish();
    CHECK(introduced.closed);
    CHECK(introduced.count(FrameType::collector_bye) == 1);
}

TEST_CASE("session: a device that says goodbye is let go without an answer") {
    Talk talk;
    talk.introduce();
    longhaul_Bye bye = longhaul_Bye_init_zero;
    Stored bytes(200);
    ByteWriter out{bytes};
    REQUIRE(write_bye(FrameType::bye, bye, out).ok());
    talk.hear(out.written());
    CHECK(talk.closed);
    CHECK(talk.count(FrameType::collector_bye) == 0);
}
