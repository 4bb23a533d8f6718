// A device that is let in: its session over real TLS, and how it ends.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "collector/net/endpoint.hpp"
#include "common/block/schema.hpp"
#include "tests/unit/collector/net/gateway_fixture.hpp"

using namespace longhaul;
using namespace longhaul::test;

namespace {

std::vector<std::byte> hello() {
    longhaul_Hello message = longhaul_Hello_init_zero;
    message.protocol = protocol_version;
    message.incarnation = 7;
    std::vector<std::byte> frame(512);
    ByteWriter out{frame};
    REQUIRE(write_message(message, out).ok());
    frame.resize(out.size());
    return frame;
}

std::vector<std::byte> schema_frame() {
    Field field;
    field.name = "value";
    Schema schema;
    schema.name = "thing";
    schema.fields = {&field, 1};
    std::vector<std::byte> encoded(512);
    ByteWriter writer{encoded};
    REQUIRE(encode_schema(schema, writer).ok());
    std::vector<std::byte> frame(1024);
    ByteWriter out{frame};
    write_frame(FrameType::schema, writer.written(), out);
    frame.resize(out.size());
    return frame;
}

FrameType next_frame(TlsClient& client, std::vector<std::byte>& body) {
    FrameType type{};
    REQUIRE(client.read_frame(type, body));
    return type;
}

const Issued& device() {
    static const Issued issued = issue_device(gateway_pki().acme, {"test", "acme", "bus-1"});
    return issued;
}

}  // namespace

TEST_CASE("gateway: a device that is registered is welcomed, by TLS 1.2 and 1.3") {
    for (const bool tls_1_2 : {false, true}) {
        CAPTURE(tls_1_2);
        GatewayFixture fixture;
        fixture.start();
        TlsClientSettings settings = fixture.device(device());
        settings.tls_1_2 = tls_1_2;
        TlsClient client{settings};
        REQUIRE(client.ok());
        REQUIRE(client.write(hello()));
        std::vector<std::byte> body;
        CHECK(next_frame(client, body) == FrameType::welcome);
    }
}

TEST_CASE("gateway: when it stops, what was accepted becomes durable before goodbye is said") {
    GatewayFixture fixture;
    fixture.start();
    TlsClient client{fixture.device(device())};
    std::vector<std::byte> frames = hello();
    const std::vector<std::byte> schema = schema_frame();
    frames.insert(frames.end(), schema.begin(), schema.end());
    REQUIRE(client.write(frames));
    std::vector<std::byte> body;
    REQUIRE(next_frame(client, body) == FrameType::welcome);
    bool submitted = false;
    while (!submitted) fixture.on_network([&] { submitted = !fixture.submissions.kinds.empty(); });

    fixture.finish();
    bool still_there = false;
    fixture.on_network([&] { still_there = fixture.gateway().counters.exceptions == 0; });
    REQUIRE(still_there);
    fixture.on_network([&] { fixture.submissions.make_durable(); });

    CHECK(next_frame(client, body) == FrameType::collector_bye);
    longhaul_Bye bye;
    REQUIRE(parse_message(body, bye).ok());
    CHECK(bye.reason == longhaul_ByeReason_BYE_REASON_SHUTDOWN);
}

TEST_CASE("gateway: a broken protocol ends the session with a sentence and nothing is kept") {
    GatewayFixture fixture;
    fixture.start();
    TlsClient client{fixture.device(device())};
    REQUIRE(client.write(schema_frame()));  // before any Hello
    std::vector<std::byte> body;
    CHECK(next_frame(client, body) == FrameType::collector_bye);
    longhaul_Bye bye;
    REQUIRE(parse_message(body, bye).ok());
    CHECK(bye.reason == longhaul_ByeReason_BYE_REASON_PROTOCOL);
    CHECK(std::string{bye.text} == "the first frame is no Hello");
    FrameType type{};
    CHECK_FALSE(client.read_frame(type, body));
    fixture.stop();
    CHECK(fixture.submissions.kinds.empty());
}

TEST_CASE("listener: addresses are read strictly") {
    struct Case {
        const char* text;
        bool good;
    };
    const Case cases[] = {
        {"127.0.0.1:7600", true},  {"[::1]:7600", true},     {"0.0.0.0:0", true},
        {"127.0.0.1", false},      {"127.0.0.1:", false},    {"127.0.0.1:70000", false},
        {"localhost:7600", false}, {"127.0.0.1:76x", false}, {"", false}};
    for (const Case& each : cases) {
        CAPTURE(each.text);
        CHECK(parse_endpoint(each.text).ok() == each.good);
    }
}

TEST_CASE("listener: an address in use is told") {
    GatewayFixture fixture;
    fixture.start();
    boost::asio::io_context network;
    const std::string address = "127.0.0.1:" + std::to_string(fixture.port());
    const auto second = Listener::open(network.get_executor(), address, fixture.gateway());
    REQUIRE_FALSE(second.ok());
    CHECK_THAT(second.error().text,
               Catch::Matchers::ContainsSubstring("cannot listen on " + address));
}

TEST_CASE("gateway: what a connection cost goes to the journal when it ends, however it does") {
    enum class End { by_device, by_collector, by_protocol };
    for (const End end : {End::by_device, End::by_collector, End::by_protocol}) {
        CAPTURE(static_cast<int>(end));
        GatewayFixture fixture;
        fixture.start();
        const MonotonicMs before = monotonic_now();
        {
            TlsClient client{fixture.device(device())};
            std::vector<std::byte> body;
            REQUIRE(client.write(end == End::by_protocol ? schema_frame() : hello()));
            next_frame(client, body);
            if (end == End::by_collector) {
                fixture.finish();
                next_frame(client, body);
            }
        }
        while (fixture.gateway().counters.connections != 0) std::this_thread::yield();
        fixture.stop();
        const auto passed = static_cast<std::uint64_t>(monotonic_now() - before);
        REQUIRE(fixture.submissions.costs.size() == 1);
        const ConnectionCost& cost = fixture.submissions.costs[0];
        CHECK(cost.ended);
        CHECK(cost.connected_ms <= passed);
        CHECK(cost.wire.received == fixture.gateway().counters.bytes_received);
        CHECK(cost.wire.received > device().certificate.size() / 2);  // the handshake has it
        CHECK(cost.wire.sent > gateway_pki().server.certificate.size() / 2);
    }
}

TEST_CASE("gateway: of a long connection the cost is told in intervals, and nobody waits for it") {
    GatewayFixture fixture;
    fixture.gateway().session.cost_interval_ms = 1;
    fixture.start();
    TlsClient client{fixture.device(device())};
    REQUIRE(client.write(hello()));
    std::vector<std::byte> body;
    REQUIRE(next_frame(client, body) == FrameType::welcome);
    std::size_t told = 0;
    while (told < 5) fixture.on_network([&] { told = fixture.submissions.costs.size(); });
    fixture.finish();
    CHECK(next_frame(client, body) == FrameType::collector_bye);
    fixture.stop();
    const auto& costs = fixture.submissions.costs;
    std::uint64_t received = 0;
    for (const ConnectionCost& cost : costs) {
        received += cost.wire.received;
        CHECK(cost.ended == (&cost == &costs.back()));
    }
    CHECK(received == fixture.gateway().counters.bytes_received);
}

TEST_CASE("gateway: who is not let in costs nobody anything") {
    GatewayFixture fixture;
    fixture.start();
    const Issued revoked = issue_device(gateway_pki().acme, {"test", "acme", "bus-2"});
    TlsClient client{fixture.device(revoked)};
    std::vector<std::byte> body;
    CHECK(next_frame(client, body) == FrameType::collector_bye);
    fixture.stop();
    CHECK(fixture.submissions.costs.empty());
}
