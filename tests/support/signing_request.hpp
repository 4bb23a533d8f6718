// Requests for certificates, as a device writes them, and some that it should not.
#pragma once

#include <mbedtls/pk.h>
#include <mbedtls/x509_csr.h>

#include <array>
#include <string>
#include <vector>

#include "common/block/crypto.hpp"

namespace longhaul::test {

inline int random_for_request(void*, unsigned char* out, std::size_t size) {
    return random_bytes(std::as_writable_bytes(std::span{out, size})).ok() ? 0 : -1;
}

// DER. `uri` empty: it has none.
inline std::vector<std::byte> signing_request(const std::string& key_pem, const std::string& uri) {
    LH_CHECK(crypto_init().ok());
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    LH_CHECK(mbedtls_pk_parse_key(&key, reinterpret_cast<const unsigned char*>(key_pem.c_str()),
                                  key_pem.size() + 1, nullptr, 0, random_for_request,
                                  nullptr) == 0);
    mbedtls_x509write_csr writing;
    mbedtls_x509write_csr_init(&writing);
    mbedtls_x509write_csr_set_key(&writing, &key);
    mbedtls_x509write_csr_set_md_alg(&writing, MBEDTLS_MD_SHA256);
    LH_CHECK(mbedtls_x509write_csr_set_subject_name(&writing, "CN=device") == 0);
    mbedtls_x509_san_list san{};
    std::string name = uri;
    san.node.type = MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER;
    san.node.san.unstructured_name.p = reinterpret_cast<unsigned char*>(name.data());
    san.node.san.unstructured_name.len = name.size();
    if (!uri.empty())
        LH_CHECK(mbedtls_x509write_csr_set_subject_alternative_name(&writing, &san) == 0);
    std::array<unsigned char, 2048> room;
    const int length =
        mbedtls_x509write_csr_der(&writing, room.data(), room.size(), random_for_request, nullptr);
    LH_CHECK(length > 0);
    mbedtls_x509write_csr_free(&writing);
    mbedtls_pk_free(&key);
    const auto bytes = std::as_bytes(std::span{room}.last(static_cast<std::size_t>(length)));
    return {bytes.begin(), bytes.end()};
}

}  // namespace longhaul::test
