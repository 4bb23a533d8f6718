// The messages of the golden files, and the frames that they travel in.
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "common/block/model.hpp"
#include "common/block/schema.hpp"
#include "common/wire/frame.hpp"
#include "tests/golden/golden_file.hpp"

namespace longhaul::test {

inline constexpr Uuid example_uuid{
    std::byte{0x00}, std::byte{0x01}, std::byte{0x02}, std::byte{0x03},
    std::byte{0x04}, std::byte{0x05}, std::byte{0x06}, std::byte{0x07},
    std::byte{0x08}, std::byte{0x09}, std::byte{0x0a}, std::byte{0x0b},
    std::byte{0x0c}, std::byte{0x0d}, std::byte{0x0e}, std::byte{0x0f}};

template <class Message>
std::string frame_of(const Message& message) {
    std::vector<std::byte> room(frame_bytes_max);
    ByteWriter out{room};
    REQUIRE(write_message(message, out).ok());
    return to_hex(out.written());
}

inline std::string frame_of(FrameType direction, const longhaul_Bye& bye) {
    std::vector<std::byte> room(frame_bytes_max);
    ByteWriter out{room};
    REQUIRE(write_bye(direction, bye, out).ok());
    return to_hex(out.written());
}

inline longhaul_Hello example_hello() {
    longhaul_Hello hello = longhaul_Hello_init_zero;
    hello.protocol = 1;
    std::strcpy(hello.firmware, "0.1.0");
    hello.incarnation = 0x01020304;
    hello.oldest_epoch = 2;
    hello.newest_epoch = 3;
    hello.epochs = 2;
    hello.waiting_count = 4;
    hello.waiting[2] = 300;
    for (const char* file : {"schema/every-kind-v1.hex", "schema/predictors-v1.hex"}) {
        auto& entry = hello.schema_hashes[hello.schema_hashes_count++];
        const SchemaHash hash = schema_hash(golden(file));
        entry.size = static_cast<pb_size_t>(hash.size());
        std::memcpy(entry.bytes, hash.data(), hash.size());
    }
    hello.wall_us = 1'700'000'000'000'000;
    return hello;
}

inline longhaul_Welcome example_welcome() {
    longhaul_Welcome welcome = longhaul_Welcome_init_zero;
    std::memcpy(welcome.journal_uuid, example_uuid.data(), example_uuid.size());
    welcome.server_time_us = 1'700'000'000'250'000;
    welcome.credit = 1 << 20;
    welcome.known_epochs_count = 1;
    welcome.known_epochs[0] = {2, 2};
    welcome.unknown_schemas = 0b11;
    return welcome;
}

// Of a device that can use models; its only stream has the schema of every kind.
inline longhaul_Hello example_hello_with_models() {
    longhaul_Hello hello = example_hello();
    hello.schema_hashes_count = 1;
    hello.models = true;
    return hello;
}

inline longhaul_Welcome example_welcome_with_offers() {
    longhaul_Welcome welcome = example_welcome();
    welcome.unknown_schemas = 0b1;
    welcome.offers_count = 1;
    const auto model = golden("model/small-v1.hex");
    const ModelHash hash = model_hash(model);
    welcome.offers[0].schema = 0;
    std::memcpy(welcome.offers[0].model, hash.data(), hash.size());
    welcome.offers[0].bytes = static_cast<std::uint32_t>(model.size());
    return welcome;
}

inline longhaul_Ack example_ack() {
    longhaul_Ack ack = longhaul_Ack_init_zero;
    std::memcpy(ack.journal_uuid, example_uuid.data(), example_uuid.size());
    ack.ranges_count = 2;
    ack.ranges[0] = {2, 0x8000'0001, 0x8000'0007};
    ack.ranges[1] = {3, 0x8000'0009, 0x8000'0009};
    return ack;
}

inline longhaul_Bye example_collector_bye() {
    longhaul_Bye bye = longhaul_Bye_init_zero;
    bye.reason = longhaul_ByeReason_BYE_REASON_SHUTDOWN;
    std::strcpy(bye.text, "the collector goes down");
    bye.retry_after_ms = 1000;
    return bye;
}

// frames/device-v1.hex: these bodies, in this order.
inline const std::vector<std::pair<FrameType, const char*>> example_bodies{
    {FrameType::schema, "schema/every-kind-v1.hex"},
    {FrameType::schema, "schema/predictors-v1.hex"},
    {FrameType::epoch, "epoch/signed-v1.hex"},
    {FrameType::block, "block/sealed-v1.hex"}};

}  // namespace longhaul::test
