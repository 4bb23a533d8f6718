// Frames and the messages in them: docs/spec/frames.md.
#include <cstring>
#include <vector>

#include "common/block/crypto.hpp"
#include "common/block/schema.hpp"
#include "common/wire/frame.hpp"
#include "tests/golden/examples_frames.hpp"

using namespace longhaul;
using test::to_hex;

namespace {

// The only frame of the file, as a message.
template <class Message>
Message read(const std::string& file, FrameType type, Message message) {
    const auto bytes = test::golden(file);
    Bytes in = bytes;
    FrameReader reader{{}};
    const auto frame = reader.next(in);
    REQUIRE(frame.ok());
    CHECK(frame.value().type == type);
    REQUIRE(parse_message(frame.value().body, message).ok());
    CHECK(in.empty());
    return message;
}

}  // namespace

TEST_CASE("golden frames 1: Hello") {
    REQUIRE(crypto_init().ok());
    const auto hello = read("frames/hello-v1.hex", FrameType::hello, longhaul_Hello{});
    CHECK(hello.protocol == 1);
    CHECK(std::string{hello.firmware} == "0.1.0");
    CHECK(hello.incarnation == 0x01020304);
    CHECK(hello.oldest_epoch == 2);
    CHECK(hello.newest_epoch == 3);
    CHECK(hello.epochs == 2);
    REQUIRE(hello.waiting_count == 4);
    CHECK(hello.waiting[1] == 0);
    CHECK(hello.waiting[2] == 300);
    REQUIRE(hello.schema_hashes_count == 2);
    REQUIRE(hello.schema_hashes[1].size == 32);
    const SchemaHash hash = schema_hash(test::golden("schema/predictors-v1.hex"));
    CHECK(std::memcmp(hello.schema_hashes[1].bytes, hash.data(), 32) == 0);
    CHECK(hello.wall_us == 1'700'000'000'000'000);
    CHECK(test::frame_of(test::example_hello()) == to_hex(test::golden("frames/hello-v1.hex")));
}

TEST_CASE("golden frames 1: Welcome") {
    const auto welcome = read("frames/welcome-v1.hex", FrameType::welcome, longhaul_Welcome{});
    CHECK(std::memcmp(welcome.journal_uuid, test::example_uuid.data(), 16) == 0);
    CHECK(welcome.journal_resend == 0);
    CHECK(welcome.server_time_us == 1'700'000'000'250'000);
    CHECK(welcome.credit == 1 << 20);
    REQUIRE(welcome.known_epochs_count == 1);
    CHECK(welcome.known_epochs[0].first == 2);
    CHECK(welcome.known_epochs[0].last == 2);
    CHECK(welcome.unknown_schemas == 0b11);
    CHECK(test::frame_of(test::example_welcome()) == to_hex(test::golden("frames/welcome-v1.hex")));
}

TEST_CASE("golden frames 1: models are offered, wanted and sent, and a sealing key is") {
    const auto of_key =
        read("frames/hello-sealing-v1.hex", FrameType::hello, longhaul_Hello{}).sealing_key;
    REQUIRE(of_key.size == 8);
    CHECK(of_key.bytes[7] == 8);
    const auto certificate = test::golden("epoch/authority-v1.hex");

    const auto hello = read("frames/hello-models-v1.hex", FrameType::hello, longhaul_Hello{});
    CHECK(hello.models);
    CHECK(hello.schema_hashes_count == 1);
    CHECK(test::frame_of(test::example_hello_with_models()) ==
          to_hex(test::golden("frames/hello-models-v1.hex")));

    const auto model = test::golden("model/small-v1.hex");
    const ModelHash hash = model_hash(model);
    const auto welcome =
        read("frames/welcome-offers-v1.hex", FrameType::welcome, longhaul_Welcome{});
    REQUIRE(welcome.offers_count == 1);
    CHECK(welcome.offers[0].schema == 0);
    CHECK(std::memcmp(welcome.offers[0].model, hash.data(), hash.size()) == 0);
    CHECK(welcome.offers[0].bytes == model.size());
    CHECK(test::frame_of(test::example_welcome_with_offers()) ==
          to_hex(test::golden("frames/welcome-offers-v1.hex")));

    const std::pair<std::string, std::pair<FrameType, Bytes>> bodies[] = {
        {"frames/want-v1.hex", {FrameType::want, hash}},
        {"frames/model-v1.hex", {FrameType::model, model}},
        {"frames/sealing-key-v1.hex", {FrameType::sealing_key, certificate}},
    };
    for (const auto& [file, expected] : bodies) {
        const auto bytes = test::golden(file);
        Bytes in = bytes;
        FrameReader reader{{}};
        const auto frame = reader.next(in);
        REQUIRE(frame.ok());
        CHECK(frame.value().type == expected.first);
        CHECK(to_hex(frame.value().body) == to_hex(expected.second));
        std::vector<std::byte> room(frame_bytes_max);
        ByteWriter out{room};
        write_frame(expected.first, expected.second, out);
        CHECK(to_hex(out.written()) == to_hex(bytes));
    }
}

TEST_CASE("golden frames 1: a boot is told from others, and a certificate may come at once") {
    auto hello = read("frames/hello-boot-v1.hex", FrameType::hello, longhaul_Hello{});
    CHECK(hello.boot == 0x0102'0304'0506'0708);
    CHECK(hello.rotation);
    CHECK(test::frame_of(hello) == to_hex(test::golden("frames/hello-boot-v1.hex")));
    hello.boot = 0;
    hello.rotation = false;
    CHECK(test::frame_of(hello) == to_hex(test::golden("frames/hello-sealing-v1.hex")));

    auto welcome = read("frames/welcome-renew-v1.hex", FrameType::welcome, longhaul_Welcome{});
    CHECK(welcome.renewal);
    CHECK(welcome.renew_now);
    CHECK(test::frame_of(welcome) == to_hex(test::golden("frames/welcome-renew-v1.hex")));
    welcome.renewal = welcome.renew_now = false;
    CHECK(test::frame_of(welcome) == to_hex(test::golden("frames/welcome-v1.hex")));
}

TEST_CASE("golden frames 1: Ack") {
    const auto ack = read("frames/ack-v1.hex", FrameType::ack, longhaul_Ack{});
    CHECK(std::memcmp(ack.journal_uuid, test::example_uuid.data(), 16) == 0);
    REQUIRE(ack.ranges_count == 2);
    CHECK(ack.ranges[0].epoch == 2);
    CHECK(ack.ranges[0].first_seq == 0x8000'0001);
    CHECK(ack.ranges[0].last_seq == 0x8000'0007);
    CHECK(ack.ranges[1].epoch == 3);
    CHECK(ack.ranges[1].first_seq == 0x8000'0009);
    CHECK(ack.ranges[1].last_seq == 0x8000'0009);
    CHECK(test::frame_of(test::example_ack()) == to_hex(test::golden("frames/ack-v1.hex")));
}

TEST_CASE("golden frames 1: Window") {
    const auto window = read("frames/window-v1.hex", FrameType::window, longhaul_Window{});
    CHECK(window.credit == 1'310'720);
    CHECK(test::frame_of(longhaul_Window{1'310'720}) ==
          to_hex(test::golden("frames/window-v1.hex")));
}

TEST_CASE("golden frames 1: Bye of either side") {
    const auto done = read("frames/bye-v1.hex", FrameType::bye, longhaul_Bye{});
    CHECK(done.reason == longhaul_ByeReason_BYE_REASON_DONE);
    CHECK(*done.text == '\0');
    const auto down = read("frames/collector-bye-v1.hex", FrameType::collector_bye, longhaul_Bye{});
    CHECK(down.reason == longhaul_ByeReason_BYE_REASON_SHUTDOWN);
    CHECK(std::string{down.text} == "the collector goes down");
    CHECK(down.retry_after_ms == 1000);
    CHECK(test::frame_of(FrameType::bye, longhaul_Bye{}) ==
          to_hex(test::golden("frames/bye-v1.hex")));
    CHECK(test::frame_of(FrameType::collector_bye, test::example_collector_bye()) ==
          to_hex(test::golden("frames/collector-bye-v1.hex")));
}

TEST_CASE("golden frames 1: what a device sends in a session") {
    const auto bytes = test::golden("frames/device-v1.hex");
    Bytes in = bytes;
    FrameReader reader{{}};
    for (const auto& [type, file] : test::example_bodies) {
        const auto frame = reader.next(in);
        REQUIRE(frame.ok());
        CHECK(frame.value().type == type);
        CHECK(to_hex(frame.value().body) == to_hex(test::golden(file)));
    }
    CHECK(in.empty());
    std::vector<std::byte> room(frame_bytes_max);
    ByteWriter out{room};
    for (const auto& [type, file] : test::example_bodies)
        write_frame(type, test::golden(file), out);
    CHECK(to_hex(out.written()) == to_hex(bytes));
}

TEST_CASE("golden frames 1: bodies are as long as the specification says, and no longer") {
    const std::pair<FrameType, std::size_t> expected[] = {
        {FrameType::hello, 1191},        {FrameType::epoch, 5189},    {FrameType::schema, 8192},
        {FrameType::block, 16'404},      {FrameType::bye, 174},       {FrameType::welcome, 1047},
        {FrameType::ack, 1304},          {FrameType::window, 11},     {FrameType::result, 0},
        {FrameType::settings, 0},        {FrameType::command, 0},     {FrameType::redirect, 0},
        {FrameType::collector_bye, 174}, {FrameType::want, 32},       {FrameType::model, 16'384},
        {FrameType::sealing_key, 1024},  {FrameType::renew, 1024},    {FrameType::renewed, 6144},
        {FrameType::enrol, 1102},        {FrameType::enrolled, 8479},
    };
    for (const auto& [type, bytes_max] : expected) {
        CAPTURE(name_of(type));
        CHECK(frame_body_bytes_max(type) == bytes_max);
    }
}
