// Tickets: who may resume, and until when.
#include "collector/net/ticket.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

constexpr std::int64_t day_us = 86'400'000'000;
constexpr WallUs noon{20'000 * day_us + day_us / 2};

WallUs days_later(double days) {
    return {noon.value + static_cast<std::int64_t>(days * static_cast<double>(day_us))};
}

PeerIdentity bus() {
    PeerIdentity who{{"test", "acme", "bus-1"}, {}, days_later(30)};
    who.authority.fill(std::byte{7});
    return who;
}

TicketKey key_of(std::int64_t generation) {
    TicketKey key{generation, {}};
    key.key.bytes.fill(static_cast<std::byte>(generation));
    return key;
}

std::vector<std::byte> seal(const Tickets& tickets, const PeerIdentity& who, WallUs now) {
    std::vector<std::byte> ticket(ticket_bytes_max);
    const auto size = tickets.seal(who, as_bytes("a session"), now, ticket);
    REQUIRE(size.ok());
    ticket.resize(size.value());
    return ticket;
}

}  // namespace

TEST_CASE("ticket: it says who the device is and gives the session back") {
    REQUIRE(crypto_init().ok());
    Tickets tickets;
    tickets.use({key_of(20'000)});
    const auto opened = tickets.open(seal(tickets, bus(), noon), days_later(0.1));
    REQUIRE(opened.ok());
    CHECK(opened.value().who.name == bus().name);
    CHECK(opened.value().who.authority == bus().authority);
    CHECK(opened.value().who.expires == bus().expires);
    CHECK(as_text(opened.value().session) == "a session");
}

TEST_CASE("ticket: its key opens on its day and the next one, wherever the day is told") {
    REQUIRE(crypto_init().ok());
    Tickets tickets;
    tickets.use({key_of(20'000)});
    const std::vector<std::byte> ticket = seal(tickets, bus(), noon);
    tickets.use({key_of(20'001), key_of(20'000)});
    CHECK(tickets.open(ticket, days_later(1)).ok());
    CHECK(tickets.open(ticket, days_later(1.49)).ok());
    CHECK(tickets.open(ticket, days_later(1.51)).error().code == ErrorCode::denied);
    tickets.use({key_of(20'001)});
    CHECK(tickets.open(ticket, days_later(1)).error().code == ErrorCode::denied);
}

TEST_CASE("ticket: none is issued with a key of another day, nor without one") {
    REQUIRE(crypto_init().ok());
    std::vector<std::byte> room(ticket_bytes_max);
    Tickets tickets;
    CHECK(tickets.seal(bus(), {}, noon, room).error().code == ErrorCode::not_found);
    tickets.use({key_of(20'000)});
    CHECK(tickets.seal(bus(), {}, days_later(2), room).error().code == ErrorCode::not_found);
}

TEST_CASE("ticket: it ends with the certificate that earned it") {
    REQUIRE(crypto_init().ok());
    Tickets tickets;
    tickets.use({key_of(20'000)});
    PeerIdentity who = bus();
    who.expires = days_later(0.2);
    const std::vector<std::byte> ticket = seal(tickets, who, noon);
    CHECK(tickets.open(ticket, days_later(0.1)).ok());
    CHECK(tickets.open(ticket, days_later(0.2)).error().code == ErrorCode::denied);
}

TEST_CASE("ticket: a changed byte anywhere, a cut one and another key are refused") {
    REQUIRE(crypto_init().ok());
    Tickets tickets;
    tickets.use({key_of(20'000)});
    const std::vector<std::byte> ticket = seal(tickets, bus(), noon);
    for (std::size_t i = 0; i < ticket.size(); ++i) {
        CAPTURE(i);
        std::vector<std::byte> changed = ticket;
        changed[i] ^= std::byte{1};
        CHECK_FALSE(tickets.open(changed, noon).ok());
        CHECK_FALSE(tickets.open(Bytes{ticket}.first(i), noon).ok());
    }
    TicketKey other = key_of(20'000);
    other.key.bytes[0] ^= std::byte{1};
    tickets.use({other});
    CHECK(tickets.open(ticket, noon).error().code == ErrorCode::corrupt);
}

TEST_CASE("ticket: the longest names and sessions that TLS makes fit") {
    REQUIRE(crypto_init().ok());
    Tickets tickets;
    tickets.use({key_of(20'000)});
    const std::string longest(limits::name_bytes_max, 'x');
    std::vector<std::byte> room(ticket_bytes_max);
    const std::vector<std::byte> session(120);
    CHECK(tickets.seal({{longest, longest, longest}, {}, days_later(1)}, session, noon, room).ok());
    const std::vector<std::byte> too_long(ticket_bytes_max);
    CHECK(tickets.seal(bus(), too_long, noon, room).error().code == ErrorCode::full);
}
