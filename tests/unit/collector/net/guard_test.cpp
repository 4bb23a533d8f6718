// Resumption by ticket, and who loses a connection that it had: real handshakes, TLS 1.2 and 1.3.
#include "collector/net/guard.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>

#include "tests/unit/collector/net/gateway_fixture.hpp"

using namespace longhaul;
using namespace longhaul::test;
using boost::asio::ip::tcp;

namespace {

constexpr std::int64_t day_us = 86'400'000'000;

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

const Issued& device() {
    static const Issued issued = issue_device(gateway_pki().acme, {"test", "acme", "bus-1"});
    return issued;
}

// A greeted client: TLS 1.3 has brought its ticket by then.
std::unique_ptr<TlsClient> connect(const TlsClientSettings& settings) {
    auto client = std::make_unique<TlsClient>(settings);
    REQUIRE(client->ok());
    REQUIRE(client->write(hello()));
    FrameType type{};
    std::vector<std::byte> body;
    REQUIRE(client->read_frame(type, body));
    REQUIRE(type == FrameType::welcome);
    return client;
}

std::string bye_of(TlsClient& client) {
    FrameType type{};
    std::vector<std::byte> body;
    longhaul_Bye bye;
    if (!client.read_frame(type, body) || type != FrameType::collector_bye ||
        !parse_message(body, bye).ok()) {
        return "";
    }
    CHECK(bye.reason == longhaul_ByeReason_BYE_REASON_DENIED);
    return bye.text;
}

std::pair<std::uint64_t, std::uint64_t> handshakes(GatewayFixture& fixture) {
    const GatewayCounters& counters = fixture.gateway().counters;
    return {counters.handshakes_full, counters.handshakes_resumed};
}

void revoke(const GatewayFixture& fixture) {
    REQUIRE(Registry::open(fixture.registry_path()).value()->revoke("acme", "bus-1").ok());
}

using Counts = std::pair<std::uint64_t, std::uint64_t>;

}  // namespace

TEST_CASE("gateway: a device resumes by its ticket and is known as before") {
    for (const bool tls_1_2 : {false, true}) {
        CAPTURE(tls_1_2);
        GatewayFixture fixture;
        fixture.start();
        TlsClientSettings settings = fixture.device(device());
        settings.tls_1_2 = tls_1_2;
        settings.session = connect(settings)->session();
        REQUIRE_FALSE(settings.session.empty());
        settings.certificate_pem.clear();  // the ticket is all that it shows
        const auto client = connect(settings);
        CHECK(handshakes(fixture) == Counts{1, 1});
        if (!tls_1_2) {
            settings.session = client->session();
            connect(settings);
            CHECK(handshakes(fixture) == Counts{1, 2});
        }
    }
}

TEST_CASE("gateway: a device that was revoked resumes nothing") {
    for (const bool tls_1_2 : {false, true}) {
        CAPTURE(tls_1_2);
        GatewayFixture fixture;
        fixture.start();
        TlsClientSettings settings = fixture.device(device());
        settings.tls_1_2 = tls_1_2;
        settings.session = connect(settings)->session();
        revoke(fixture);
        TlsClient again{settings};
        CHECK(bye_of(again) == "device \"bus-1\" of tenant \"acme\" is revoked");
    }
}

TEST_CASE("gateway: a ticket whose key is rotated out leads to a full handshake") {
    for (const bool tls_1_2 : {false, true}) {
        CAPTURE(tls_1_2);
        GatewayFixture fixture;
        fixture.start();
        TlsClientSettings settings = fixture.device(device());
        settings.tls_1_2 = tls_1_2;
        settings.session = connect(settings)->session();
        fixture.on_network([&] { fixture.gateway().entrance->tickets->use({}); });
        connect(settings);
        CHECK(handshakes(fixture) == Counts{2, 0});
        settings.certificate_pem.clear();
        TlsClient without_certificate{settings};
        if (without_certificate.ok()) CHECK(bye_of(without_certificate).empty());
        fixture.stop();
        CHECK(fixture.gateway().counters.sessions == 2);
    }
}

TEST_CASE("gateway: a TLS 1.3 ticket shown as one of TLS 1.2 resumes nothing") {
    GatewayFixture fixture;
    fixture.start();
    TlsClientSettings settings = fixture.device(device());
    settings.session = connect(settings)->session();
    settings.downgrade_session = true;
    settings.tls_1_2 = true;
    connect(settings);
    CHECK(handshakes(fixture) == Counts{2, 0});
}

TEST_CASE("gateway: a ticket that TLS does not accept does not count as a resumption") {
    GatewayFixture fixture;
    fixture.start();
    TlsClientSettings settings = fixture.device(device());
    settings.session = connect(settings)->session();
    boost::asio::io_context io;
    tcp::acceptor acceptor{io, {boost::asio::ip::address_v4::loopback(), 0}};
    settings.port = acceptor.local_endpoint().port();
    for (const bool misdated : {false, true}) {
        CAPTURE(misdated);
        settings.misdate_session = misdated;
        const std::jthread client{[&] { TlsClient{settings}; }};
        auto socket = acceptor.accept();
        socket.native_non_blocking(true);
        const auto stream =
            TlsStream::make(*fixture.gateway().entrance->tls, socket.native_handle()).value();
        do {
            socket.wait(tcp::socket::wait_read);
        } while (stream->read_hello().value() != TlsWant::nothing);
        CHECK(stream->resumed() == !misdated);
    }
}

TEST_CASE("gateway: who is revoked loses the connection, others keep theirs") {
    GatewayFixture fixture;
    fixture.start();
    REQUIRE(Registry::open(fixture.registry_path()).value()->allow("acme", {"bus-4"}).ok());
    const Issued other = issue_device(gateway_pki().acme, {"test", "acme", "bus-4"});
    const auto client = connect(fixture.device(device()));
    const auto bystander = connect(fixture.device(other));
    revoke(fixture);
    fixture.look(test::wall_now());
    CHECK(bye_of(*client) == "device \"bus-1\" of tenant \"acme\" is revoked");
    FrameType type{};
    std::vector<std::byte> body;
    CHECK_FALSE(client->read_frame(type, body));
    fixture.look(test::wall_now());
    bool alone = false;
    while (!alone)
        fixture.on_network([&] { alone = fixture.gateway().counters.sessions_open == 1; });
    const auto& refused = fixture.gateway().counters.refused_by;
    CHECK(refused[static_cast<std::size_t>(RefusalReason::revoked)] == 1);
}

TEST_CASE("gateway: who came by an authority that is cut off loses the connection, by itself") {
    GatewayFixture fixture;
    fixture.start();
    const auto client = connect(fixture.device(device()));
    const auto registry = Registry::open(fixture.registry_path()).value();
    // Rotated: it is an older one, and still good.
    REQUIRE(registry->rotate_authority("acme", gateway_pki().stranger.certificate).ok());
    fixture.look(test::wall_now());
    connect(fixture.device(device()));
    REQUIRE(registry->cut_off_older("acme").value() == 1);
    fixture.look(test::wall_now());
    const std::string said =
        "device \"bus-1\" of tenant \"acme\" has a certificate of another tenant's authority";
    CHECK(bye_of(*client) == said);
    TlsClient again{fixture.device(device())};
    CHECK(bye_of(again) == said);
}

TEST_CASE("gateway: after a reload it is the file that has the registry's name now that counts") {
    GatewayFixture fixture;
    fixture.start();
    const auto client = connect(fixture.device(device()));
    const std::string path = fixture.registry_path();
    GatewayFixture::fill_registry(path + ".new");
    for (const char* each : {"-wal", "-shm"}) std::filesystem::remove(path + each);
    std::filesystem::rename(path + ".new", path);
    fixture.reload();
    revoke(fixture);
    fixture.look(test::wall_now());
    CHECK(bye_of(*client) == "device \"bus-1\" of tenant \"acme\" is revoked");
}

TEST_CASE("gateway: a session ends with the certificate that it began with") {
    GatewayFixture fixture;
    fixture.start();
    const auto client = connect(fixture.device(device()));
    fixture.look({test::wall_now().value + 29 * day_us});
    std::uint64_t open = 0;
    fixture.on_network([&] { open = fixture.gateway().counters.sessions_open; });
    CHECK(open == 1);
    fixture.look({test::wall_now().value + 31 * day_us});
    CHECK(bye_of(*client) ==
          "device \"bus-1\" of tenant \"acme\" has a certificate that has expired");
}

TEST_CASE("gateway: a session ends with the authority's certificate, when that ends first") {
    GatewayFixture fixture;
    fixture.start();
    const Issued long_lived = issue_device(gateway_pki().acme, {"test", "acme", "bus-1"}, 90);
    const auto client = connect(fixture.device(long_lived));
    fixture.look({test::wall_now().value + 31 * day_us});
    CHECK(bye_of(*client) ==
          "device \"bus-1\" of tenant \"acme\" has a certificate that has expired");
}

TEST_CASE("gateway: devices that cannot be looked up stay until they can, and that is told") {
    GatewayFixture fixture;
    fixture.start();
    const auto client = connect(fixture.device(device()));
    auto database = SqliteDatabase::open(fixture.registry_path(), SqliteAccess::make, 1000).value();
    REQUIRE(database.execute("UPDATE devices SET state = 'revoked'").ok());
    REQUIRE(database.execute("ALTER TABLE devices RENAME TO elsewhere").ok());
    fixture.look(test::wall_now());
    REQUIRE(database.execute("ALTER TABLE elsewhere RENAME TO devices").ok());
    fixture.look(test::wall_now());
    CHECK(bye_of(*client) == "device \"bus-1\" of tenant \"acme\" is revoked");
    fixture.stop();
    CHECK_THAT(fixture.log(), Catch::Matchers::ContainsSubstring("the registry cannot be read"));
}

TEST_CASE("gateway: a handshake that hangs makes room for one that does not") {
    GatewayFixture fixture;
    fixture.gateway().handshakes_max = 1;
    fixture.start();
    const int slow = connect_to(fixture.port());
    constexpr std::array<unsigned char, 6> beginning{0x16, 3, 1, 0, 200, 1};
    REQUIRE(::send(slow, beginning.data(), beginning.size(), MSG_NOSIGNAL) ==
            std::ssize(beginning));
    std::uint64_t open = 0;
    while (open != 1) fixture.on_network([&] { open = fixture.gateway().counters.connections; });
    connect(fixture.device(device()));
    std::array<unsigned char, 64> room;
    while (::recv(slow, room.data(), room.size(), 0) > 0) {
    }
    ::close(slow);
    fixture.stop();
    const auto& refused = fixture.gateway().counters.refused_by;
    CHECK(refused[static_cast<std::size_t>(RefusalReason::handshakes)] == 1);
}
