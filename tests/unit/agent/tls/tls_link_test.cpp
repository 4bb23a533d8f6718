// The agent's TLS against a real mbedTLS server, over two queues of bytes in memory.
#include "agent/tls/tls_link.hpp"

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "tests/unit/agent/pki.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

// A queue a direction; the far end has its own pair of functions.
class MemoryLink final : public Link {
 public:
    std::deque<unsigned char> up, down;
    bool far_closed = false;
    std::size_t write_max = SIZE_MAX;

    Status open(MonotonicMs) override {
        if (refuse) return ErrorCode::unreachable;
        open_ = true;
        up.clear();
        down.clear();
        far_closed = false;
        return {};
    }
    LinkState poll(MonotonicMs) override { return open_ ? LinkState::open : LinkState::closed; }
    Result<std::size_t> write(Bytes bytes) override {
        if (!open_) return ErrorCode::closed;
        // Every second call finds the buffer full.
        blocked_ = !blocked_;
        if (blocked_) return std::size_t{0};
        const std::size_t count = std::min(bytes.size(), write_max);
        for (const std::byte byte : bytes.first(count))
            up.push_back(static_cast<unsigned char>(byte));
        return count;
    }
    Result<std::size_t> read(MutableBytes room) override {
        if (!open_ || (down.empty() && far_closed)) return ErrorCode::closed;
        std::size_t count = 0;
        for (; count < room.size() && !down.empty(); ++count) {
            room[count] = static_cast<std::byte>(down.front());
            down.pop_front();
        }
        return count;
    }
    void close() override { open_ = false; }
    const char* last_error() const override { return "the memory link says so"; }
    bool refuse = false;

 private:
    bool open_ = false;
    bool blocked_ = false;
};

// Certificates that every case starts from.
struct Pki {
    Key root_key, other_key, server_key, device_key;
    std::string root = issue(root_key, root_key, {.subject = "CN=root", .authority = true});
    std::string other_root = issue(
        other_key, other_key, {.subject = "CN=other", .issuer = "CN=other", .authority = true});
    std::string device = issue(device_key, root_key, {.subject = "CN=device"});
    std::string other_device =
        issue(device_key, other_key, {.subject = "CN=device", .issuer = "CN=other"});
};
Pki& pki() {
    static Pki made;
    return made;
}

struct ServerSettings {
    Wanted certificate{.subject = "CN=collector", .dns = "localhost"};
    bool other_issuer = false;
    const char* alpn = "longhaul/1";
    mbedtls_ssl_protocol_version version = MBEDTLS_SSL_VERSION_TLS1_3;
    bool takes_tickets = true;
};

// A ticket is the session itself behind a mark: what a collector would never do.
int write_ticket(void*, const mbedtls_ssl_session* session, unsigned char* start,
                 const unsigned char* end, std::size_t* size, std::uint32_t* lifetime_s) {
    *lifetime_s = 3600;
    *start = 't';
    mbedtls_ssl_session without_certificate = *session;
    without_certificate.MBEDTLS_PRIVATE(peer_cert) = nullptr;
    const int result = mbedtls_ssl_session_save(&without_certificate, start + 1,
                                                static_cast<std::size_t>(end - start) - 1, size);
    *size += 1;
    return result;
}

struct TicketUse {
    bool takes = true;
    int shown = 0;
    int taken = 0;
};

int parse_ticket(void* context, mbedtls_ssl_session* session, unsigned char* bytes,
                 std::size_t size) {
    auto& use = *static_cast<TicketUse*>(context);
    ++use.shown;
    if (!use.takes) return MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED;
    ++use.taken;
    return mbedtls_ssl_session_load(session, bytes + 1, size - 1);
}

class Server {
 public:
    Server(MemoryLink& link, const ServerSettings& settings) : protocols_{settings.alpn, nullptr} {
        mbedtls_ssl_init(&ssl);
        mbedtls_ssl_config_init(&config_);
        mbedtls_x509_crt_init(&own_);
        mbedtls_x509_crt_init(&root_);
        Key& issuer = settings.other_issuer ? pki().other_key : pki().root_key;
        const std::string pem = issue(pki().server_key, issuer, settings.certificate);
        LH_CHECK(mbedtls_x509_crt_parse(&own_, reinterpret_cast<const unsigned char*>(pem.c_str()),
                                        pem.size() + 1) == 0);
        LH_CHECK(mbedtls_x509_crt_parse(&root_,
                                        reinterpret_cast<const unsigned char*>(pki().root.c_str()),
                                        pki().root.size() + 1) == 0);
        LH_CHECK(mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_SERVER,
                                             MBEDTLS_SSL_TRANSPORT_STREAM,
                                             MBEDTLS_SSL_PRESET_DEFAULT) == 0);
        mbedtls_ssl_conf_min_tls_version(&config_, settings.version);
        mbedtls_ssl_conf_max_tls_version(&config_, settings.version);
        mbedtls_ssl_conf_rng(&config_, random_numbers, nullptr);
        mbedtls_ssl_conf_authmode(&config_, MBEDTLS_SSL_VERIFY_REQUIRED);
        mbedtls_ssl_conf_ca_chain(&config_, &root_, nullptr);
        LH_CHECK(mbedtls_ssl_conf_own_cert(&config_, &own_, &pki().server_key.pk) == 0);
        if (settings.alpn != nullptr)
            LH_CHECK(mbedtls_ssl_conf_alpn_protocols(&config_, protocols_) == 0);
        tickets.takes = settings.takes_tickets;
        mbedtls_ssl_conf_session_tickets_cb(&config_, write_ticket, parse_ticket, &tickets);
        LH_CHECK(mbedtls_ssl_setup(&ssl, &config_) == 0);
        mbedtls_ssl_set_bio(&ssl, &link, send, receive, nullptr);
    }
    ~Server() {
        mbedtls_ssl_free(&ssl);
        mbedtls_ssl_config_free(&config_);
        mbedtls_x509_crt_free(&own_);
        mbedtls_x509_crt_free(&root_);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    mbedtls_ssl_context ssl;
    TicketUse tickets;

 private:
    static int send(void* context, const unsigned char* bytes, std::size_t size) {
        auto& link = *static_cast<MemoryLink*>(context);
        link.down.insert(link.down.end(), bytes, bytes + size);
        return static_cast<int>(size);
    }
    static int receive(void* context, unsigned char* bytes, std::size_t size) {
        auto& link = *static_cast<MemoryLink*>(context);
        std::size_t count = 0;
        for (; count < size && !link.up.empty(); ++count) {
            bytes[count] = link.up.front();
            link.up.pop_front();
        }
        return count == 0 ? MBEDTLS_ERR_SSL_WANT_READ : static_cast<int>(count);
    }
    const char* protocols_[2];
    mbedtls_ssl_config config_;
    mbedtls_x509_crt own_;
    mbedtls_x509_crt root_;
};

Bytes pem_bytes(const std::string& pem) {
    return std::as_bytes(std::span{pem.c_str(), pem.size() + 1});
}

std::unique_ptr<TlsLink> make_link(Link& below, const std::string& device = pki().device,
                                   std::string_view server_name = "localhost") {
    static const std::string key = pki().device_key.pem();
    auto link = TlsLink::make(
        {pem_bytes(pki().root), pem_bytes(device), pem_bytes(key), server_name}, below);
    REQUIRE(link.ok());
    return std::move(link).value();
}

// Lets both sides work until the device is open or closed, and the server has finished or given up.
LinkState shake_hands(TlsLink& link, Server& server) {
    REQUIRE(link.open({}).ok());
    LinkState state = LinkState::opening;
    int far = MBEDTLS_ERR_SSL_WANT_READ;
    for (int i = 0; i < 200; ++i) {
        if (state != LinkState::closed) state = link.poll({});
        if (far == MBEDTLS_ERR_SSL_WANT_READ || far == MBEDTLS_ERR_SSL_WANT_WRITE)
            far = mbedtls_ssl_handshake(&server.ssl);
        // A refusal may arrive after the device thinks that all is well (TLS 1.3).
        std::array<std::byte, 16> room;
        if (state == LinkState::open && !link.read(room).ok()) state = LinkState::closed;
    }
    return state;
}

}  // namespace

TEST_CASE("tls: bytes go both ways in either version, however little the link below takes") {
    for (const auto version : {MBEDTLS_SSL_VERSION_TLS1_2, MBEDTLS_SSL_VERSION_TLS1_3}) {
        for (const std::size_t write_max : {std::size_t{1}, std::size_t{100}, SIZE_MAX}) {
            CAPTURE(static_cast<int>(version), write_max);
            MemoryLink below;
            below.write_max = write_max;
            const auto link = make_link(below);
            Server server{below, {.version = version}};
            REQUIRE(link->open({}).ok());
            int far = 1;
            LinkState state = LinkState::opening;
            for (int i = 0; i < 20'000 && (state != LinkState::open || far != 0); ++i) {
                state = link->poll({});
                far = mbedtls_ssl_handshake(&server.ssl);
            }
            REQUIRE(state == LinkState::open);
            REQUIRE(far == 0);

            std::vector<std::byte> sent(30'000);
            for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::byte>(i * 7);
            Bytes left = sent;
            std::vector<std::byte> got;
            for (int i = 0; i < 200'000 && got.size() < sent.size(); ++i) {
                if (!left.empty()) {
                    const auto count = link->write(left);
                    REQUIRE(count.ok());
                    left = left.subspan(count.value());
                }
                std::array<std::byte, 5000> room;
                const int count = mbedtls_ssl_read(
                    &server.ssl, reinterpret_cast<unsigned char*>(room.data()), room.size());
                if (count > 0) got.insert(got.end(), room.begin(), room.begin() + count);
            }
            CHECK(got == sent);

            REQUIRE(mbedtls_ssl_write(&server.ssl,
                                      reinterpret_cast<const unsigned char*>("welcome"), 7) == 7);
            std::array<std::byte, 16> room;
            std::size_t count = 0;
            for (int i = 0; i < 10 && count == 0; ++i) {
                const auto read = link->read(room);
                REQUIRE(read.ok());
                count = read.value();
            }
            CHECK(as_text(Bytes{room}.first(count)) == "welcome");

            REQUIRE(mbedtls_ssl_close_notify(&server.ssl) == 0);
            CHECK_FALSE(link->read(room).ok());
            CHECK(link->poll({}) == LinkState::closed);
            CHECK(std::string{link->last_error()} == "the collector closed the connection");
        }
    }
}

TEST_CASE(
    "tls: with a clock before the last date known, certificates of that date are valid, too") {
    struct Case {
        const char* what;
        Wanted certificate;
        bool accepted;
    };
    // The clock shows some day before 2080, which is the last date known.
    const Case cases[] = {
        {"valid on that date, not yet by the clock",
         {.subject = "CN=collector", .dns = "localhost", .from = "20790101000000"},
         true},
        {"expired by that date, valid by the clock: it might be wrong",
         {.subject = "CN=collector", .dns = "localhost", .to = "20790101000000"},
         true},
        {"expired by both",
         {.subject = "CN=collector", .dns = "localhost", .to = "20210101000000"},
         false},
        {"not yet valid on that date",
         {.subject = "CN=collector", .dns = "localhost", .from = "20980101000000"},
         false},
    };
    for (const Case& each : cases) {
        for (const auto version : {MBEDTLS_SSL_VERSION_TLS1_2, MBEDTLS_SSL_VERSION_TLS1_3}) {
            CAPTURE(each.what, static_cast<int>(version));
            MemoryLink below;
            const auto link = make_link(below);
            link->set_date_floor({3'471'292'800'000'000});  // 2080-01-01
            Server server{below, {.certificate = each.certificate, .version = version}};
            CHECK((shake_hands(*link, server) == LinkState::open) == each.accepted);
        }
    }
}

TEST_CASE("tls: a collector that cannot prove who it is gets nothing, and the link says why") {
    struct Case {
        const char* what;
        ServerSettings server;
        const char* said;
    };
    const Case cases[] = {
        {"another root",
         {.certificate = {.subject = "CN=collector", .issuer = "CN=other", .dns = "localhost"},
          .other_issuer = true},
         "the collector's certificate is not from the pinned root"},
        {"another name",
         {.certificate = {.subject = "CN=collector", .dns = "elsewhere"}},
         "the collector's certificate is for another name"},
        {"expired",
         {.certificate = {.subject = "CN=collector", .dns = "localhost", .to = "20210101000000"}},
         "the collector's certificate has expired"},
        {"not yet valid",
         {.certificate = {.subject = "CN=collector", .dns = "localhost", .from = "20980101000000"}},
         "the collector's certificate is not valid yet: is the clock right?"},
        {"no protocol name", {.alpn = nullptr}, "the other side does not speak longhaul/1"},
    };
    for (const Case& each : cases) {
        for (const auto version : {MBEDTLS_SSL_VERSION_TLS1_2, MBEDTLS_SSL_VERSION_TLS1_3}) {
            CAPTURE(each.what, static_cast<int>(version));
            ServerSettings settings = each.server;
            settings.version = version;
            MemoryLink below;
            const auto link = make_link(below);
            Server server{below, settings};
            CHECK(shake_hands(*link, server) == LinkState::closed);
            CHECK(std::string{link->last_error()} == each.said);
            CHECK_FALSE(link->write(as_bytes("a")).ok());
        }
    }
}

TEST_CASE("tls: a collector that speaks another protocol is refused") {
    MemoryLink below;
    const auto link = make_link(below);
    Server server{below, {.alpn = "h2"}};
    CHECK(shake_hands(*link, server) == LinkState::closed);
}

TEST_CASE("tls: a device that the collector refuses learns so") {
    for (const auto version : {MBEDTLS_SSL_VERSION_TLS1_2, MBEDTLS_SSL_VERSION_TLS1_3}) {
        CAPTURE(static_cast<int>(version));
        MemoryLink below;
        const auto link = make_link(below, pki().other_device);
        Server server{below, {.version = version}};
        CHECK(shake_hands(*link, server) == LinkState::closed);
        CHECK(std::string{link->last_error()} == "the collector refused this device (TLS)");
    }
}

TEST_CASE("tls: after it closed it opens again") {
    MemoryLink below;
    const auto link = make_link(below);
    for (int round = 0; round < 3; ++round) {
        Server server{below, {}};
        REQUIRE(shake_hands(*link, server) == LinkState::open);
        link->close();
        CHECK(link->poll({}) == LinkState::closed);
    }
    SECTION("and tells why the link below did not") {
        below.refuse = true;
        CHECK_FALSE(link->open({}).ok());
        CHECK(std::string{link->last_error()} == "the memory link says so");
    }
}

TEST_CASE("tls: a connection that breaks during the handshake or later closes the link") {
    MemoryLink below;
    const auto link = make_link(below);
    SECTION("during the handshake") {
        REQUIRE(link->open({}).ok());
        below.far_closed = true;
        for (int i = 0; i < 5; ++i) link->poll({});
        CHECK(link->poll({}) == LinkState::closed);
    }
    SECTION("garbage instead of a handshake") {
        REQUIRE(link->open({}).ok());
        link->poll({});
        for (const char c : std::string{"HTTP/1.1 400 Bad Request\r\n\r\n"})
            below.down.push_back(static_cast<unsigned char>(c));
        for (int i = 0; i < 5; ++i) link->poll({});
        CHECK(link->poll({}) == LinkState::closed);
        CHECK(std::string{link->last_error()} == "the TLS connection broke");
    }
    SECTION("later") {
        Server server{below, {}};
        REQUIRE(shake_hands(*link, server) == LinkState::open);
        below.close();
        CHECK(link->poll({}) == LinkState::closed);
    }
}

TEST_CASE("tls: keys and certificates that do not belong together are refused at once") {
    MemoryLink below;
    Key stranger;
    const std::string key = pki().device_key.pem();
    const std::string stranger_key = stranger.pem();
    const Bytes root = pem_bytes(pki().root);
    const Bytes device = pem_bytes(pki().device);
    struct Case {
        const char* what;
        TlsSettings settings;
    };
    const Case cases[] = {
        {"the key of another", {root, device, pem_bytes(stranger_key), "localhost"}},
        {"no key", {root, device, as_bytes("nonsense"), "localhost"}},
        {"no certificate", {root, as_bytes("nonsense"), pem_bytes(key), "localhost"}},
        {"no root", {as_bytes("nonsense"), device, pem_bytes(key), "localhost"}},
        {"no name", {root, device, pem_bytes(key), ""}},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        CHECK_FALSE(TlsLink::make(each.settings, below).ok());
    }
}

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
