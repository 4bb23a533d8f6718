// Epoch records and signed epochs: docs/spec/epoch.md.
#include "collector/registry/certificate.hpp"
#include "tests/golden/examples_epoch.hpp"

using namespace longhaul;
using test::to_hex;

TEST_CASE("golden epoch 1: the keys that an epoch derives") {
    REQUIRE(crypto_init().ok());
    const EpochKeys keys = test::example_epoch_keys();
    CHECK(to_hex(keys.block_key.bytes) == "fe77751cab1182a232ca900d3f15dbee");
    CHECK(to_hex(keys.ephemeral_key_material) ==
          "7750271be7c39ae59faceb0f8610bcf6cec3154ee23d44379c8f9321f080b6c2");
    CHECK(to_hex(sealing_key_id(public_key_of(test::example_sealing_key()).value())) ==
          "4269889431e31319");
}

TEST_CASE("golden epoch 1: the record is read, and its block key opens") {
    REQUIRE(crypto_init().ok());
    longhaul_EpochRecord record;
    REQUIRE(parse_epoch_record(test::golden("epoch/record-v1.hex"), record).ok());
    CHECK(std::string{record.environment} == "demo");
    CHECK(std::string{record.tenant} == "acme");
    CHECK(std::string{record.device} == "bus-2228");
    CHECK(record.incarnation == 0x01020304);
    CHECK(record.epoch == 3);
    REQUIRE(record.streams_count == 2);
    CHECK(record.streams[0].index == 1);
    CHECK(std::string{record.streams[0].name} == "machine");
    CHECK(record.streams[1].index == 2);
    CHECK(std::string{record.streams[1].name} == "numbers");
    CHECK(record.streams[1].block_class == 2);
    CHECK(record.boot_cause == longhaul_BootCause_BOOT_CAUSE_PROCESS_START);
    CHECK(std::string{record.firmware} == "0.1.0");
    CHECK(record.clock_state == longhaul_ClockState_CLOCK_STATE_SYNCHRONIZED);
    CHECK(record.previous_epoch == 2);
    CHECK_FALSE(record.previous_clean);
    REQUIRE(record.previous_ends_count == 2);
    CHECK(record.previous_ends[0].block_class == 0);
    CHECK(record.previous_ends[1].last_number == 7);
    CHECK(record.previous_ends[1].closing_us == 81'000'000);

    const auto key = unwrap_block_key(test::example_sealing_key(), record);
    REQUIRE(key.ok());
    CHECK(key.value().bytes == test::example_epoch_keys().block_key.bytes);
}

TEST_CASE("golden epoch 1: the record is made again byte for byte") {
    REQUIRE(crypto_init().ok());
    longhaul_EpochRecord record = test::example_record();
    const PublicKey sealing_key = public_key_of(test::example_sealing_key()).value();
    put_wrapped_key(
        wrap_block_key(sealing_key, test::example_epoch_keys(), epoch_name_of(record)).value(),
        record);
    std::array<std::byte, limits::epoch_record_bytes_max> room;
    ByteWriter out{room};
    REQUIRE(encode_epoch_record(record, out).ok());
    CHECK(to_hex(out.written()) == to_hex(test::golden("epoch/record-v1.hex")));
}

TEST_CASE("golden epoch 1: a record that names a model is read, and made again byte for byte") {
    REQUIRE(crypto_init().ok());
    longhaul_EpochRecord record;
    REQUIRE(parse_epoch_record(test::golden("epoch/record-model-v1.hex"), record).ok());
    REQUIRE(record.streams_count == 2);
    const ModelHash model = model_hash(test::golden("model/small-v1.hex"));
    REQUIRE(record.streams[0].model.size == model.size());
    CHECK(std::memcmp(record.streams[0].model.bytes, model.data(), model.size()) == 0);
    CHECK(record.streams[1].model.size == 0);

    record = test::example_record_with_model();
    const PublicKey sealing_key = public_key_of(test::example_sealing_key()).value();
    put_wrapped_key(
        wrap_block_key(sealing_key, test::example_epoch_keys(), epoch_name_of(record)).value(),
        record);
    std::array<std::byte, limits::epoch_record_bytes_max> room;
    ByteWriter out{room};
    REQUIRE(encode_epoch_record(record, out).ok());
    CHECK(to_hex(out.written()) == to_hex(test::golden("epoch/record-model-v1.hex")));

    record.streams[0].model.size = 31;
    CHECK(encode_epoch_record(record, out).error() == ErrorCode::malformed);
}

TEST_CASE("golden epoch 1: a record with last words is read, and made again byte for byte") {
    REQUIRE(crypto_init().ok());
    longhaul_EpochRecord record;
    REQUIRE(parse_epoch_record(test::golden("epoch/record-words-v1.hex"), record).ok());
    CHECK(record.boot_cause == longhaul_BootCause_BOOT_CAUSE_RESET);
    CHECK(std::string{record.last_words} == "uplink.cpp:123");

    record = test::example_record_with_words();
    const PublicKey sealing_key = public_key_of(test::example_sealing_key()).value();
    put_wrapped_key(
        wrap_block_key(sealing_key, test::example_epoch_keys(), epoch_name_of(record)).value(),
        record);
    std::array<std::byte, limits::epoch_record_bytes_max> room;
    ByteWriter out{room};
    REQUIRE(encode_epoch_record(record, out).ok());
    CHECK(to_hex(out.written()) == to_hex(test::golden("epoch/record-words-v1.hex")));

    record.last_words[0] = '\xff';
    CHECK(encode_epoch_record(record, out).error() == ErrorCode::malformed);
}

TEST_CASE("golden epoch 1: the signed epoch is taken apart, verified and put together again") {
    REQUIRE(crypto_init().ok());
    const auto bytes = test::golden("epoch/signed-v1.hex");
    const auto epoch = parse_signed_epoch(bytes);
    REQUIRE(epoch.ok());
    CHECK(to_hex(epoch.value().record) == to_hex(test::golden("epoch/record-v1.hex")));

    const auto authority =
        collector::Certificate::parse_der(test::golden("epoch/authority-v1.hex"));
    REQUIRE(authority.ok());
    using collector::verify_signed_epoch;
    CHECK(verify_signed_epoch(epoch.value(), {"demo", "acme", "bus-2228"}, authority.value()).ok());
    CHECK_FALSE(
        verify_signed_epoch(epoch.value(), {"demo", "acme", "bus-2229"}, authority.value()).ok());

    std::array<std::byte, signed_epoch_bytes_max> room;
    ByteWriter out{room};
    write_signed_epoch(epoch.value(), out);
    CHECK(to_hex(out.written()) == to_hex(bytes));
}
