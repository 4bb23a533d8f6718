// The epoch of the golden files, and how its keys come about.
#pragma once

#include <cstring>

#include "common/block/epoch.hpp"
#include "common/block/model.hpp"
#include "tests/golden/examples.hpp"
#include "tests/golden/golden_file.hpp"

namespace longhaul::test {

// `count` bytes that count up from `first`.
template <class T>
T counting(std::uint8_t first) {
    T out{};
    for (std::byte& byte : out) byte = static_cast<std::byte>(first++);
    return out;
}

inline PrivateKey example_sealing_key() { return {counting<std::array<std::byte, 32>>(1)}; }

inline EpochKeys example_epoch_keys() {
    const auto fresh_random = counting<std::array<std::byte, 32>>(0x00);
    const auto device_secret = counting<std::array<std::byte, 32>>(0x40);
    const auto keys = derive_epoch_keys(fresh_random, device_secret, {0x01020304}, {3});
    REQUIRE(keys.ok());
    return keys.value();
}

inline void add_stream(longhaul_EpochRecord& record, const char* name, const char* schema_file) {
    longhaul_StreamEntry& stream = record.streams[record.streams_count++];
    stream.index = record.streams_count;
    std::strcpy(stream.name, name);
    const SchemaHash hash = schema_hash(golden(schema_file));
    std::memcpy(stream.schema_hash, hash.data(), hash.size());
    stream.block_class = static_cast<std::uint32_t>(BlockClass::normal);
}

// epoch/record-v1.hex, but for the wrapped key.
inline longhaul_EpochRecord example_record() {
    longhaul_EpochRecord record = longhaul_EpochRecord_init_zero;
    record.version = 1;
    std::strcpy(record.environment, "demo");
    std::strcpy(record.tenant, "acme");
    std::strcpy(record.device, "bus-2228");
    record.incarnation = 0x01020304;
    record.epoch = 3;
    add_stream(record, "machine", "schema/every-kind-v1.hex");
    add_stream(record, "numbers", "schema/predictors-v1.hex");
    record.boot_cause = longhaul_BootCause_BOOT_CAUSE_PROCESS_START;
    std::strcpy(record.firmware, "0.1.0");
    record.clock_state = longhaul_ClockState_CLOCK_STATE_SYNCHRONIZED;
    record.previous_epoch = 2;
    record.previous_ends_count = 2;
    record.previous_ends[0] = {0, 1, 60'000'000};
    record.previous_ends[1] = {2, 7, 81'000'000};
    return record;
}

// epoch/record-model-v1.hex: the same, but its first stream has a model.
inline longhaul_EpochRecord example_record_with_model() {
    longhaul_EpochRecord record = example_record();
    const ModelHash model = model_hash(golden("model/small-v1.hex"));
    record.streams[0].model.size = static_cast<pb_size_t>(model.size());
    std::memcpy(record.streams[0].model.bytes, model.data(), model.size());
    return record;
}

// epoch/record-words-v1.hex: the same as the first, of a device that a fault has started anew.
inline longhaul_EpochRecord example_record_with_words() {
    longhaul_EpochRecord record = example_record();
    record.boot_cause = longhaul_BootCause_BOOT_CAUSE_RESET;
    std::strcpy(record.last_words, "uplink.cpp:123");
    return record;
}

}  // namespace longhaul::test
