// Keys and certificates for the agent's tests, made by mbedTLS.
#pragma once

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include <string>
#include <vector>

#include "common/block/crypto.hpp"

namespace longhaul::test {

inline int random_numbers(void*, unsigned char* out, std::size_t size) {
    return random_bytes(std::as_writable_bytes(std::span{out, size})).ok() ? 0 : -1;
}

struct Key {
    mbedtls_pk_context pk;
    Key() {
        LH_CHECK(crypto_init().ok());
        mbedtls_pk_init(&pk);
        LH_CHECK(mbedtls_pk_setup(&pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) == 0);
        LH_CHECK(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(pk), random_numbers,
                                     nullptr) == 0);
    }
    ~Key() { mbedtls_pk_free(&pk); }
    Key(const Key&) = delete;
    Key& operator=(const Key&) = delete;
    std::string pem() {
        std::vector<unsigned char> room(1024);
        LH_CHECK(mbedtls_pk_write_key_pem(&pk, room.data(), room.size()) == 0);
        return reinterpret_cast<const char*>(room.data());
    }
};

struct Wanted {
    const char* subject = "CN=x";
    const char* issuer = "CN=root";
    bool authority = false;
    const char* dns = nullptr;
    std::string uri = {};
    const char* from = "20200101000000";
    const char* to = "20990101000000";
    unsigned usage = 0;  // of the key, MBEDTLS_X509_KU_…; 0: not said
};

inline std::string issue(Key& subject, Key& issuer, const Wanted& wanted) {
    mbedtls_x509write_cert cert;
    mbedtls_x509write_crt_init(&cert);
    mbedtls_x509write_crt_set_version(&cert, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&cert, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&cert, &subject.pk);
    mbedtls_x509write_crt_set_issuer_key(&cert, &issuer.pk);
    unsigned char serial[] = {1, 2, 3};
    LH_CHECK(mbedtls_x509write_crt_set_serial_raw(&cert, serial, sizeof(serial)) == 0);
    LH_CHECK(mbedtls_x509write_crt_set_subject_name(&cert, wanted.subject) == 0);
    LH_CHECK(mbedtls_x509write_crt_set_issuer_name(&cert, wanted.issuer) == 0);
    LH_CHECK(mbedtls_x509write_crt_set_validity(&cert, wanted.from, wanted.to) == 0);
    LH_CHECK(mbedtls_x509write_crt_set_basic_constraints(&cert, wanted.authority ? 1 : 0, -1) == 0);
    if (wanted.usage != 0) LH_CHECK(mbedtls_x509write_crt_set_key_usage(&cert, wanted.usage) == 0);
    mbedtls_x509_san_list san{};
    std::string name = wanted.dns != nullptr ? wanted.dns : wanted.uri;
    if (!name.empty()) {
        san.node.type = wanted.dns != nullptr ? MBEDTLS_X509_SAN_DNS_NAME
                                              : MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER;
        san.node.san.unstructured_name.p = reinterpret_cast<unsigned char*>(name.data());
        san.node.san.unstructured_name.len = name.size();
        LH_CHECK(mbedtls_x509write_crt_set_subject_alternative_name(&cert, &san) == 0);
    }
    std::vector<unsigned char> room(4096);
    LH_CHECK(mbedtls_x509write_crt_pem(&cert, room.data(), room.size(), random_numbers, nullptr) ==
             0);
    mbedtls_x509write_crt_free(&cert);
    return reinterpret_cast<const char*>(room.data());
}

}  // namespace longhaul::test
