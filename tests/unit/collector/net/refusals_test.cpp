// Who is refused, with what the device sees and what the log says: real handshakes, TLS 1.2
// and 1.3.
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/unit/collector/net/gateway_fixture.hpp"

using namespace longhaul;
using namespace longhaul::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// The reason in the Bye that comes; empty when the connection ends without one.
std::string bye_of(TlsClient& client) {
    FrameType type{};
    std::vector<std::byte> body;
    if (!client.ok() || !client.read_frame(type, body) || type != FrameType::collector_bye)
        return "";
    longhaul_Bye bye;
    if (!parse_message(body, bye).ok()) return "";
    CHECK(bye.reason == longhaul_ByeReason_BYE_REASON_DENIED);
    return bye.text;
}

struct Refused {
    const char* what;
    Issued identity;
    const char* protocol;
    const char* bye;  // nullptr: the handshake itself fails
    const char* logged;
};

std::vector<Refused> refusals() {
    GatewayPki& pki = gateway_pki();
    const char* const protocol = "longhaul/1";
    const Issued good = issue_device(pki.acme, {"test", "acme", "bus-1"});
    return {
        {"no certificate", {}, protocol, nullptr, "reason=handshake"},
        {"an authority that nobody knows", issue_device(pki.stranger, {"test", "acme", "bus-1"}),
         protocol, nullptr, "not correctly signed by the trusted CA"},
        {"the root itself as issuer", issue_device(pki.root, {"test", "acme", "bus-1"}), protocol,
         nullptr, "not correctly signed by the trusted CA"},
        {"an expired certificate", issue_device(pki.acme, {"test", "acme", "bus-1"}, -2), protocol,
         nullptr, "The certificate validity has expired"},
        {"a device that is not registered", issue_device(pki.acme, {"test", "acme", "bus-3"}),
         protocol, "is not registered", "device=acme/bus-3 reason=unknown_device"},
        {"a revoked device", issue_device(pki.acme, {"test", "acme", "bus-2"}), protocol,
         "is revoked", "device=acme/bus-2 reason=revoked"},
        {"another tenant's authority", issue_device(pki.other, {"test", "acme", "bus-1"}), protocol,
         "of another tenant's authority", "reason=authority"},
        {"another environment", issue_device(pki.acme, {"prod", "acme", "bus-1"}), protocol,
         "belongs to environment \"prod\"", "reason=environment"},
        {"a tenant that is not registered", issue_device(pki.acme, {"test", "nobody", "bus-1"}),
         protocol, "tenant \"nobody\" is not registered", "reason=tenant"},
        {"a certificate that names no device", issue_server(pki.acme, "bus-1"), protocol,
         "names no device", "reason=certificate"},
        {"no protocol asked for", good, nullptr, "did not ask for the protocol",
         "reason=application"},
        {"another protocol", good, "h2", nullptr, "reason=handshake"},
    };
}

}  // namespace

TEST_CASE("gateway: who is not known, or not what it says, is refused and the log tells why") {
    for (const bool tls_1_2 : {false, true}) {
        for (const Refused& refusal : refusals()) {
            CAPTURE(refusal.what, tls_1_2);
            GatewayFixture fixture;
            fixture.start();
            {
                TlsClientSettings settings = fixture.device(refusal.identity);
                settings.protocol = refusal.protocol;
                settings.tls_1_2 = tls_1_2;
                TlsClient client{settings};
                const std::string bye =
                    bye_of(client);  // TLS 1.3 tells a client late that it was refused
                if (refusal.bye == nullptr) {
                    CHECK(bye.empty());
                } else {
                    CHECK_THAT(bye, ContainsSubstring(refusal.bye));
                }
            }
            fixture.stop();
            CHECK_THAT(fixture.log(), ContainsSubstring(refusal.logged));
            CHECK_THAT(fixture.log(), ContainsSubstring("127.0.0.1:"));
            CHECK(fixture.gateway().counters.refused() == 1);
            CHECK(fixture.gateway().counters.sessions == 0);
            CHECK(fixture.submissions.kinds.empty());
        }
    }
}

TEST_CASE("gateway: what does not speak TLS is refused, and a silent peer is not waited for long") {
    GatewayFixture fixture;
    fixture.gateway().handshake_deadline_ms = 50;
    fixture.start();
    const int garbage = connect_to(fixture.port());
    const int silent = connect_to(fixture.port());
    const std::string text = "GET / HTTP/1.1\r\n\r\n";
    REQUIRE(::write(garbage, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    std::array<char, 64> room;
    while (::read(garbage, room.data(), room.size()) > 0) {
    }
    while (::read(silent, room.data(), room.size()) > 0) {
    }  // until the collector closes it
    ::close(garbage);
    ::close(silent);
    fixture.stop();
    CHECK(fixture.gateway().counters.refused() == 2);
    CHECK_THAT(fixture.log(), ContainsSubstring("the handshake took too long"));
}
