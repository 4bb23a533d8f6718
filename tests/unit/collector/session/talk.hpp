// What tests of a session share: a device's certificate, frames as it sends them, and Talk, which
// tells a session bytes and durability and remembers what it wanted.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/session/session.hpp"
#include "tests/support/pki.hpp"

namespace longhaul::collector {

using Stored = std::vector<std::byte>;
using test::Issued;

inline const DeviceName bus{"demo", "acme", "bus-1"};
inline constexpr WallUs wall{1'700'000'000'000'000};

// Keys and certificates are dear to make, and all tests share them.
struct Pki {
    Issued acme = test::issue_authority("acme authority");
    Issued device = test::issue_device(acme, bus);
    Issued other = test::issue_device(acme, {"demo", "acme", "bus-2"});
    PrivateKey sealing = private_key_of(generate_key().value()).value();
    Certificate authority = Certificate::parse(as_bytes(acme.certificate)).value();
};

inline const Pki& pki() {
    static const Pki made;
    return made;
}

inline Stored frame(FrameType type, Bytes body) {
    Stored bytes(frame_header_bytes + body.size());
    ByteWriter out{bytes};
    write_frame(type, body, out);
    return bytes;
}

inline Stored schema(const std::string& name = "position") {
    const Field field{.name = "speed", .unit = "m/s", .help = {}, .labels = {}};
    Schema described{.name = name, .fields = {&field, 1}};
    Stored bytes(limits::schema_bytes_max);
    ByteWriter out{bytes};
    LH_CHECK(encode_schema(described, out).ok());
    bytes.resize(out.size());
    return bytes;
}

inline longhaul_EpochRecord record(std::uint32_t epoch = 1, const Stored& of_schema = schema()) {
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
    put_wrapped_key(
        wrap_block_key(public_key_of(pki().sealing).value(), keys.value(), epoch_name_of(record))
            .value(),
        record);
    return record;
}

inline Stored sign_record(const longhaul_EpochRecord& record, const Issued& signer) {
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

inline Stored epoch(std::uint32_t number = 1) { return sign_record(record(number), pki().device); }

inline Stored block(std::uint32_t number, std::uint32_t epoch = 1, std::size_t body_bytes = 100,
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
        settings.cost_interval_ms = 10'000'000;  // no deadline that tests of others meet
        if (change) change(settings);
        session_.emplace(bus, settings, known, std::span{&pki().authority, 1}, MonotonicMs{0});
    }

    void hear(Bytes bytes, MonotonicMs now = {1}) {
        if (closed) return;
        session_->on_bytes(bytes, wall, now);
        obey();
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
        REQUIRE(!closed);
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
            using Kind = SessionAction::Kind;
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
        Bytes rest = out_;
        for (auto next = reader.next(rest); next.ok(); next = reader.next(rest)) {
            const Bytes body = next.value().body;
            frames.emplace_back(next.value().type, Stored{body.begin(), body.end()});
        }
        return frames;
    }

    std::optional<Session> session_;
    Stored out_;
};

}  // namespace longhaul::collector
