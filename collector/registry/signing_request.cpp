#include "collector/registry/signing_request.hpp"

#include <mbedtls/pk.h>
#include <mbedtls/x509_csr.h>

#include <array>
#include <cstring>

namespace longhaul::collector {
namespace {

struct Parsed {
    mbedtls_x509_csr csr;
    Parsed() { mbedtls_x509_csr_init(&csr); }
    ~Parsed() { mbedtls_x509_csr_free(&csr); }
    Parsed(const Parsed&) = delete;
    Parsed& operator=(const Parsed&) = delete;
};

Result<PublicKey> key_in(mbedtls_pk_context& key) {
    const Error refused{ErrorCode::unsupported, "the request's key is not of P-256"};
    if (mbedtls_pk_get_type(&key) != MBEDTLS_PK_ECKEY || mbedtls_pk_get_bitlen(&key) != 256)
        return refused;
    // SubjectPublicKeyInfo ends with the uncompressed point.
    std::array<unsigned char, 128> info;
    PublicKey point;
    const int length = mbedtls_pk_write_pubkey_der(&key, info.data(), info.size());
    if (length < static_cast<int>(point.size())) return refused;
    std::memcpy(point.data(), info.data() + info.size() - point.size(), point.size());
    return point[0] == std::byte{4} ? Result<PublicKey>{point} : refused;
}

// mbedTLS reads requests and leaves their signatures to others.
Status check_signature(mbedtls_x509_csr& csr) {
    if (csr.MBEDTLS_PRIVATE(sig_md) != MBEDTLS_MD_SHA256 ||
        csr.MBEDTLS_PRIVATE(sig_pk) != MBEDTLS_PK_ECDSA) {
        return Error{ErrorCode::unsupported, "the request is not signed by ECDSA with SHA-256"};
    }
    const Sha256 hash = sha256(std::as_bytes(std::span{csr.cri.p, csr.cri.len}));
    const mbedtls_x509_buf& signature = csr.MBEDTLS_PRIVATE(sig);
    if (mbedtls_pk_verify(&csr.pk, MBEDTLS_MD_SHA256,
                          reinterpret_cast<const unsigned char*>(hash.data()), hash.size(),
                          signature.p, signature.len) != 0) {
        return Error{ErrorCode::denied, "the request is not signed by the key that it names"};
    }
    return {};
}

Result<std::optional<DeviceName>> name_in(const mbedtls_x509_csr& csr) {
    std::optional<DeviceName> name;
    for (const mbedtls_x509_sequence* at = &csr.subject_alt_names; at != nullptr; at = at->next) {
        mbedtls_x509_subject_alternative_name san;
        if (at->buf.p == nullptr || mbedtls_x509_parse_subject_alt_name(&at->buf, &san) != 0)
            continue;
        const bool is_uri = san.type == MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER;
        const auto& uri = san.san.unstructured_name;
        const std::string text =
            is_uri ? std::string{reinterpret_cast<const char*>(uri.p), uri.len} : std::string{};
        mbedtls_x509_free_subject_alt_name(&san);
        if (!is_uri) continue;
        if (name) return Error{ErrorCode::denied, "the request has several URIs"};
        auto parsed = parse_device_uri(text);
        if (!parsed.ok())
            return Error{ErrorCode::denied, "the request has a URI that is no device's"};
        name = std::move(parsed).value();
    }
    return name;
}

}  // namespace

Result<SigningRequest> parse_signing_request(Bytes der) {
    Parsed parsed;
    if (mbedtls_x509_csr_parse_der(&parsed.csr, reinterpret_cast<const unsigned char*>(der.data()),
                                   der.size()) != 0) {
        return Error{ErrorCode::malformed, "the request for a certificate cannot be read"};
    }
    SigningRequest request;
    LH_TRY_ASSIGN(request.key, key_in(parsed.csr.pk));
    LH_TRY(check_signature(parsed.csr));
    LH_TRY_ASSIGN(request.name, name_in(parsed.csr));
    return request;
}

}  // namespace longhaul::collector
