// The agent's TLS against a real mbedTLS server, over two queues of bytes in memory.
#include "tests/unit/agent/tls/tls_server.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

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
    const KeyHandle key = device_key_handle();
    const KeyHandle stranger_key = keep_signing_key(bytes_of(stranger)).value();
    const Bytes root = pem_bytes(pki().root);
    const Bytes device = pem_bytes(pki().device);
    struct Case {
        const char* what;
        TlsSettings settings;
    };
    const Case cases[] = {
        {"the key of another", {root, device, stranger_key, "localhost"}},
        {"no key", {root, device, 0, "localhost"}},
        {"no certificate", {root, as_bytes("nonsense"), key, "localhost"}},
        {"no root", {as_bytes("nonsense"), device, key, "localhost"}},
        {"no name", {root, device, key, ""}},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        CHECK_FALSE(TlsLink::make(each.settings, below).ok());
    }
    forget_key(stranger_key);
}
