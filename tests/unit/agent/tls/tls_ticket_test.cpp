// How the agent comes back: with the ticket of its last connection, to whom it got it from.
#include "tests/unit/agent/tls/tls_server.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

constexpr auto both_versions = {MBEDTLS_SSL_VERSION_TLS1_2, MBEDTLS_SSL_VERSION_TLS1_3};

// What a device has kept after it was connected once.
std::vector<std::byte> earn_ticket(mbedtls_ssl_protocol_version version) {
    MemoryLink below;
    const auto link = make_link(below);
    Server server{below, {.version = version}};
    REQUIRE(shake_hands(*link, server) == LinkState::open);
    const Bytes ticket = link->take_ticket();
    REQUIRE_FALSE(ticket.empty());
    CHECK(link->take_ticket().empty());
    return {ticket.begin(), ticket.end()};
}

}  // namespace

TEST_CASE("tls: the link comes back with its newest ticket, in this run and in the next one") {
    for (const auto version : both_versions) {
        CAPTURE(static_cast<int>(version));
        const std::vector<std::byte> ticket = earn_ticket(version);
        CHECK(ticket.size() <= TlsLink::ticket_bytes_max);
        MemoryLink below;
        const auto link = make_link(below);
        link->use_ticket(ticket);
        for (int again = 0; again < 2; ++again) {
            Server server{below, {.version = version}};
            REQUIRE(shake_hands(*link, server) == LinkState::open);
            CHECK((server.tickets.shown == 1 && server.tickets.taken == 1));
            CHECK(mbedtls_ssl_get_peer_cert(&server.ssl) == nullptr);
            link->close();
        }
    }
}

// Nothing more may come from below to wake the device, so neither a ticket nor what it wants to say
// may be left for the call after.
TEST_CASE("tls: a ticket that comes before the first word does not hold it up") {
    for (const bool reads_first : {false, true}) {
        CAPTURE(reads_first);
        MemoryLink below;
        const auto link = make_link(below);
        Server server{below, {.version = MBEDTLS_SSL_VERSION_TLS1_3}};
        REQUIRE(link->open({}).ok());
        int far = MBEDTLS_ERR_SSL_WANT_READ;
        for (int i = 0; i < 200 && far != 0; ++i) {
            static_cast<void>(link->poll({}));
            far = mbedtls_ssl_handshake(&server.ssl);
        }
        REQUIRE(far == 0);
        REQUIRE(link->poll({}) == LinkState::open);
        below.never_full = true;
        std::array<std::byte, 16> room;
        if (reads_first) {
            CHECK(link->read(room).value() == 0);
            CHECK_FALSE(link->take_ticket().empty());
        }
        CHECK(below.down.empty() == reads_first);
        CHECK(link->write(as_bytes("hello")).value() == 5);
    }
}

TEST_CASE("tls: a refused ticket costs a full handshake on the same connection, no more") {
    for (const auto version : both_versions) {
        CAPTURE(static_cast<int>(version));
        MemoryLink below;
        const auto link = make_link(below);
        link->use_ticket(earn_ticket(version));
        Server server{below, {.version = version, .takes_tickets = false}};
        REQUIRE(shake_hands(*link, server) == LinkState::open);
        CHECK(server.tickets.shown == 1);
        CHECK(mbedtls_ssl_get_peer_cert(&server.ssl) != nullptr);
    }
}

TEST_CASE("tls: a ticket is shown to the server that it came from, by the device that got it") {
    for (const auto version : both_versions) {
        CAPTURE(static_cast<int>(version));
        const std::vector<std::byte> ticket = earn_ticket(version);
        static const std::string renewed =
            issue(pki().device_key, pki().root_key, {.subject = "CN=renewed"});
        MemoryLink below;
        const auto elsewhere = make_link(below, pki().device, "example.org");
        elsewhere->use_ticket(ticket);
        Server server{
            below,
            {.certificate = {.subject = "CN=collector", .dns = "example.org"}, .version = version}};
        REQUIRE(shake_hands(*elsewhere, server) == LinkState::open);
        CHECK(server.tickets.shown == 0);

        MemoryLink other_below;
        const auto other = make_link(other_below, renewed);
        other->use_ticket(ticket);
        Server other_server{other_below, {.version = version}};
        REQUIRE(shake_hands(*other, other_server) == LinkState::open);
        CHECK(other_server.tickets.shown == 0);
    }
}

TEST_CASE("tls: a kept ticket that is damaged anywhere does no harm") {
    for (const auto version : both_versions) {
        const std::vector<std::byte> ticket = earn_ticket(version);
        for (std::size_t i = 0; i < ticket.size(); i += 7) {
            CAPTURE(static_cast<int>(version), i);
            MemoryLink below;
            const auto link = make_link(below);
            link->use_ticket(Bytes{ticket}.first(i));
            std::vector<std::byte> changed = ticket;
            changed[i] ^= std::byte{0x10};
            link->use_ticket(changed);
            Server server{below, {.version = version, .takes_tickets = false}};
            REQUIRE(link->open({}).ok());
            static_cast<void>(link->poll({}));
        }
    }
}
