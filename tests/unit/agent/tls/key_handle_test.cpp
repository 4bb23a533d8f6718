#include <psa/crypto.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/agent/tls/tls_server.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

TEST_CASE("tls: a key that nobody can read signs handshakes and epoch records") {
    const KeyHandle key = keep_signing_key(bytes_of(pki().device_key)).value();
    std::array<unsigned char, 64> room;
    std::size_t size = 0;
    REQUIRE(psa_export_key(key, room.data(), room.size(), &size) == PSA_ERROR_NOT_PERMITTED);
    PublicKey point{};
    REQUIRE(psa_export_public_key(key, reinterpret_cast<unsigned char*>(point.data()), point.size(),
                                  &size) == PSA_SUCCESS);
    for (const auto version : {MBEDTLS_SSL_VERSION_TLS1_2, MBEDTLS_SSL_VERSION_TLS1_3}) {
        CAPTURE(static_cast<int>(version));
        MemoryLink below;
        const auto link = TlsLink::make(
            {pem_bytes(pki().root), pem_bytes(pki().device), key, "localhost"}, below);
        REQUIRE(link.ok());
        Server server{below, {.version = version}};  // demands a certificate and its key
        CHECK(shake_hands(*link.value(), server) == LinkState::open);
    }
    const auto signature = sign(key, as_bytes("epoch"));
    REQUIRE(signature.ok());
    CHECK(verify(point, as_bytes("epoch"), signature.value()).ok());
    forget_key(key);
    CHECK_FALSE(sign(key, as_bytes("epoch")).ok());
}
