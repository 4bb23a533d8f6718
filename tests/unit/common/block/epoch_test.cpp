#include "common/block/epoch.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <string>
#include <vector>

using namespace longhaul;

namespace {

longhaul_EpochRecord example() {
    longhaul_EpochRecord record = longhaul_EpochRecord_init_zero;
    record.version = epoch_record_version;
    std::strcpy(record.environment, "demo");
    std::strcpy(record.tenant, "acme");
    std::strcpy(record.device, "bus-2228");
    record.incarnation = 99;
    record.epoch = 3;
    record.streams_count = 1;
    record.streams[0].index = 1;
    std::strcpy(record.streams[0].name, "position");
    record.streams[0].block_class = 2;
    return record;
}

PrivateKey private_key(std::uint8_t last) {
    PrivateKey key;
    key.bytes[31] = static_cast<std::byte>(last);
    return key;
}

}  // namespace

TEST_CASE("epoch: a wrapped block key opens under its own name only") {
    REQUIRE(crypto_init().ok());
    const auto keys = derive_epoch_keys(as_bytes("fresh"), as_bytes("secret"), {99}, {3});
    REQUIRE(keys.ok());
    longhaul_EpochRecord record = example();
    put_wrapped_key(
        wrap_block_key(public_key_of(private_key(5)).value(), keys.value(), epoch_name_of(record))
            .value(),
        record);
    const auto key = unwrap_block_key(private_key(5), record);
    REQUIRE(key.ok());
    CHECK(key.value().bytes == keys.value().block_key.bytes);

    CHECK_FALSE(unwrap_block_key(private_key(6), record).ok());
    const auto renamed = [&record](const auto& rename) {
        longhaul_EpochRecord other = record;
        rename(other);
        return unwrap_block_key(private_key(5), other).ok();
    };
    CHECK(renamed([](auto&) {}));
    CHECK_FALSE(renamed([](auto& other) { std::strcpy(other.environment, "demO"); }));
    CHECK_FALSE(renamed([](auto& other) { std::strcpy(other.tenant, "acmE"); }));
    CHECK_FALSE(renamed([](auto& other) { std::strcpy(other.device, "bus-2229"); }));
    CHECK_FALSE(renamed([](auto& other) { ++other.incarnation; }));
    CHECK_FALSE(renamed([](auto& other) { ++other.epoch; }));
    // What stands before and behind the border of two names is not the same as one name.
    CHECK_FALSE(renamed([](auto& other) {
        std::strcpy(other.tenant, "acmeb");
        std::strcpy(other.device, "us-2228");
    }));
}

TEST_CASE("epoch: keys differ with the secret, the random bytes and the name") {
    REQUIRE(crypto_init().ok());
    const auto key = [](const char* random, const char* secret, std::uint32_t incarnation,
                        std::uint32_t epoch) {
        return derive_epoch_keys(as_bytes(random), as_bytes(secret), {incarnation}, {epoch})
            .value()
            .block_key.bytes;
    };
    const auto base = key("r", "s", 1, 1);
    CHECK(base == key("r", "s", 1, 1));
    CHECK(base != key("q", "s", 1, 1));
    CHECK(base != key("r", "t", 1, 1));
    CHECK(base != key("r", "s", 2, 1));
    CHECK(base != key("r", "s", 1, 2));
}

TEST_CASE("epoch: a record comes back, and impossible ones are refused") {
    struct Case {
        const char* reason;
        void (*spoil)(longhaul_EpochRecord&);
    };
    const Case cases[] = {
        {"epoch record version", [](longhaul_EpochRecord& r) { r.version = 2; }},
        {"epoch record without an identity", [](longhaul_EpochRecord& r) { r.tenant[0] = '\0'; }},
        {"epoch 0", [](longhaul_EpochRecord& r) { r.epoch = 0; }},
        {"previous epoch", [](longhaul_EpochRecord& r) { r.previous_epoch = 3; }},
        {"stream index", [](longhaul_EpochRecord& r) { r.streams[0].index = 0; }},
        {"stream index", [](longhaul_EpochRecord& r) { r.streams[0].index = 32; }},
        {"stream", [](longhaul_EpochRecord& r) { r.streams[0].block_class = 4; }},
    };
    std::vector<std::byte> room(limits::epoch_record_bytes_max);
    ByteWriter out{room};
    REQUIRE(encode_epoch_record(example(), out).ok());
    longhaul_EpochRecord back;
    REQUIRE(parse_epoch_record(out.written(), back).ok());
    CHECK(std::string{back.device} == "bus-2228");
    for (const Case& c : cases) {
        CAPTURE(c.reason);
        longhaul_EpochRecord record = example();
        c.spoil(record);
        ByteWriter again{room};
        const Status status = encode_epoch_record(record, again);
        REQUIRE_FALSE(status.ok());
        CHECK(std::string{status.error().detail} == c.reason);
    }
}

TEST_CASE("epoch: causes and states of a later version are kept as numbers") {
    longhaul_EpochRecord record = example();
    record.boot_cause = 200;
    record.clock_state = UINT32_MAX;
    std::vector<std::byte> room(limits::epoch_record_bytes_max);
    ByteWriter out{room};
    REQUIRE(encode_epoch_record(record, out).ok());
    longhaul_EpochRecord back;
    REQUIRE(parse_epoch_record(out.written(), back).ok());
    CHECK(back.boot_cause == 200);
    CHECK(back.clock_state == UINT32_MAX);
}

TEST_CASE("epoch: a signed epoch is taken apart only when it is whole") {
    std::vector<std::byte> room(signed_epoch_bytes_max);
    ByteWriter out{room};
    write_signed_epoch({as_bytes("record"), {}, as_bytes("certificate")}, out);
    const auto parsed = parse_signed_epoch(out.written());
    REQUIRE(parsed.ok());
    CHECK(as_text(parsed.value().record) == "record");
    CHECK(as_text(parsed.value().certificate) == "certificate");
    for (std::size_t length = 0; length < out.size(); ++length) {
        CHECK_FALSE(parse_signed_epoch(out.written().first(length)).ok());
    }
    out.u8(0);
    CHECK_FALSE(parse_signed_epoch(out.written()).ok());
}

TEST_CASE("epoch: what a record says of the epoch before it is read without the rest") {
    longhaul_EpochRecord record = example();
    record.previous_epoch = 2;
    record.previous_ends_count = 2;
    record.previous_ends[0] = {1, 5, 70'000};
    record.previous_ends[1] = {3, 9, 81'000};
    std::vector<std::byte> room(signed_epoch_bytes_max);
    const auto sign = [&]() -> Bytes {
        std::vector<std::byte> encoded(limits::epoch_record_bytes_max);
        ByteWriter out{encoded};
        REQUIRE(encode_epoch_record(record, out).ok());
        ByteWriter signed_epoch{room};
        write_signed_epoch({out.written(), Signature{}, as_bytes("certificate")}, signed_epoch);
        return signed_epoch.written();
    };
    const Bytes bytes = sign();
    MemorySource source{bytes};
    const auto before = parse_epoch_before(source);
    REQUIRE(before.ok());
    CHECK(before.value().previous_epoch == 2);
    CHECK_FALSE(before.value().previous_clean);
    REQUIRE(before.value().previous_ends_count == 2);
    CHECK(before.value().previous_ends[1].block_class == 3);
    CHECK(before.value().previous_ends[1].last_number == 9);
    CHECK(before.value().previous_ends[1].closing_us == 81'000);

    const std::size_t record_bytes = 2 + ByteReader{bytes}.u16();
    for (std::size_t size = 0; size < record_bytes; ++size) {
        CAPTURE(size);
        MemorySource cut{bytes.first(size)};
        CHECK_FALSE(parse_epoch_before(cut).ok());
    }
    for (const std::size_t changed : {std::size_t{3}, record_bytes - 7}) {  // version, class
        std::vector<std::byte> other{bytes.begin(), bytes.end()};
        other[changed] = std::byte{7};
        MemorySource wrong{other};
        CAPTURE(changed);
        CHECK_FALSE(parse_epoch_before(wrong).ok());
    }
}

TEST_CASE("epoch: entries of the system stream come back") {
    std::array<std::byte, 128> room;
    ByteWriter out{room};
    longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
    entry.which_entry = longhaul_SystemEntry_anchor_tag;
    entry.entry.anchor = {5, -7, 1000, 3};
    REQUIRE(write_system_entry(entry, out).ok());
    ByteReader in{out.written()};
    longhaul_SystemEntry back;
    REQUIRE(read_system_entry(in, back).ok());
    CHECK(back.entry.anchor.wall_us == -7);
    CHECK(in.at_end());
    ByteReader cut{out.written().first(out.size() - 1)};
    CHECK_FALSE(read_system_entry(cut, back).ok());
    constexpr std::array length_without_end{std::byte{0xc5}, std::byte{0xc5}};
    ByteReader endless{length_without_end};
    CHECK_FALSE(read_system_entry(endless, back).ok());
}
