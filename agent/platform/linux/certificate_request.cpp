#include "agent/platform/linux/certificate_request.hpp"

#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>

#include <array>
#include <chrono>
#include <cstring>

#include "common/block/limits.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint32_t date_flags = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
constexpr std::size_t pem_bytes_max = 4096;

int random_numbers(void*, unsigned char* out, std::size_t size) {
    return random_bytes(std::as_writable_bytes(std::span{out, size})).ok()
               ? 0
               : MBEDTLS_ERR_PK_BAD_INPUT_DATA;
}

const unsigned char* raw(Bytes bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

struct Key {
    mbedtls_pk_context pk;
    Key() { mbedtls_pk_init(&pk); }
    ~Key() { mbedtls_pk_free(&pk); }
    Key(const Key&) = delete;
    Key& operator=(const Key&) = delete;

    bool parse(std::string_view pem) {
        const std::string text{pem};
        return mbedtls_pk_parse_key(&pk, raw(as_bytes({text.c_str(), text.size() + 1})),
                                    text.size() + 1, nullptr, 0, random_numbers, nullptr) == 0;
    }
};

struct Certificates {
    mbedtls_x509_crt first;
    Certificates() { mbedtls_x509_crt_init(&first); }
    ~Certificates() { mbedtls_x509_crt_free(&first); }
    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;

    bool add(Bytes der) { return mbedtls_x509_crt_parse_der(&first, raw(der), der.size()) == 0; }
    bool parse(std::string_view pem) {
        const std::string text{pem};
        return mbedtls_x509_crt_parse(&first, raw(as_bytes({text.c_str(), text.size() + 1})),
                                      text.size() + 1) == 0;
    }
    // Each certificate says its own length.
    bool parse_row(Bytes row) {
        while (!row.empty()) {
            ByteReader in{row};
            if (in.u8() != 0x30 || in.u8() != 0x82) return false;
            const std::size_t high = in.u8();
            const std::size_t length = 4 + (high << 8 | in.u8());
            if (!in.ok() || length > row.size() || length > limits::certificate_bytes_max ||
                !add(row.first(length)))
                return false;
            row = row.subspan(length);
        }
        return first.raw.p != nullptr;
    }
    // Its chain ends in `trusted`; those of the flags are passed over.
    bool leads_to(mbedtls_x509_crt& trusted, const char* name, std::uint32_t ignored) {
        std::uint32_t flags = 0;
        const int code =
            mbedtls_x509_crt_verify(&first, &trusted, nullptr, name, &flags, nullptr, nullptr);
        return code == 0 ||
               (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && (flags & ~ignored) == 0);
    }
    bool fits(const Key& key) const {
        return mbedtls_pk_check_pair(&first.pk, &key.pk, random_numbers, nullptr) == 0;
    }
    // The only subject alternative name of a kind; empty: there is none, or several.
    std::string only_name(int kind) const {
        std::string only;
        unsigned count = 0;
        for (const mbedtls_x509_sequence* at = &first.subject_alt_names; at != nullptr;
             at = at->next) {
            mbedtls_x509_subject_alternative_name san{};
            if (at->buf.p == nullptr || mbedtls_x509_parse_subject_alt_name(&at->buf, &san) != 0)
                continue;
            const mbedtls_x509_buf& text = san.san.unstructured_name;
            if (san.type == kind && ++count != 0)
                only.assign(reinterpret_cast<const char*>(text.p), text.len);
            mbedtls_x509_free_subject_alt_name(&san);
        }
        return count == 1 ? only : std::string{};
    }
};

std::string pem_of(const mbedtls_x509_crt& certificate) {
    std::array<unsigned char, pem_bytes_max> room;
    std::size_t length = 0;
    if (mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n",
                                 certificate.raw.p, certificate.raw.len, room.data(), room.size(),
                                 &length) != 0)
        return {};
    return reinterpret_cast<const char*>(room.data());
}

WallUs time_of(const mbedtls_x509_time& time) {
    using namespace std::chrono;
    const sys_days day = year{time.year} / time.mon / time.day;
    const auto moment = day + hours{time.hour} + minutes{time.min} + seconds{time.sec};
    return {duration_cast<microseconds>(moment.time_since_epoch()).count()};
}

// Issued by this authority, for key agreement and for no signatures: no device's certificate is.
bool is_sealing_of(Bytes der, mbedtls_x509_crt& authority) {
    Certificates alone;
    return alone.add(der) && alone.leads_to(authority, nullptr, date_flags) &&
           mbedtls_x509_crt_has_ext_type(&alone.first, MBEDTLS_X509_EXT_KEY_USAGE) != 0 &&
           mbedtls_x509_crt_check_key_usage(&alone.first, MBEDTLS_X509_KU_KEY_AGREEMENT) == 0 &&
           mbedtls_x509_crt_check_key_usage(&alone.first, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0;
}

Bytes der_of(const mbedtls_x509_crt& certificate) {
    return std::as_bytes(std::span{certificate.raw.p, certificate.raw.len});
}

mbedtls_x509_san_list uri_of(const std::string& uri) {
    mbedtls_x509_san_list san{};
    san.node.type = MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER;
    san.node.san.unstructured_name.p =
        const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(uri.data()));
    san.node.san.unstructured_name.len = uri.size();
    return san;
}

}  // namespace

Result<std::string> make_private_key() {
    Key key;
    std::array<unsigned char, pem_bytes_max> pem;
    if (mbedtls_pk_setup(&key.pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) != 0 ||
        mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key.pk), random_numbers,
                            nullptr) != 0 ||
        mbedtls_pk_write_key_pem(&key.pk, pem.data(), pem.size()) != 0) {
        return Error{ErrorCode::io, "a key cannot be made"};
    }
    return std::string{reinterpret_cast<const char*>(pem.data())};
}

Result<Der> make_signing_request(std::string_view key_pem, const std::string& uri) {
    Key key;
    if (!key.parse(key_pem)) return Error{ErrorCode::malformed, "the new key cannot be read"};
    mbedtls_x509write_csr writing;
    mbedtls_x509write_csr_init(&writing);
    mbedtls_x509write_csr_set_key(&writing, &key.pk);
    mbedtls_x509write_csr_set_md_alg(&writing, MBEDTLS_MD_SHA256);
    mbedtls_x509_san_list san = uri_of(uri);
    int failed = mbedtls_x509write_csr_set_subject_name(&writing, "CN=device");
    if (!uri.empty()) failed |= mbedtls_x509write_csr_set_subject_alternative_name(&writing, &san);
    // Written from the end of the room.
    std::array<unsigned char, limits::certificate_request_bytes_max> room;
    const int length = failed != 0 ? -1
                                   : mbedtls_x509write_csr_der(&writing, room.data(), room.size(),
                                                               random_numbers, nullptr);
    mbedtls_x509write_csr_free(&writing);
    if (length <= 0) return Error{ErrorCode::io, "a request for a certificate cannot be written"};
    const auto der = std::as_bytes(std::span{room}.last(static_cast<std::size_t>(length)));
    return Der{der.begin(), der.end()};
}

Result<TakenChain> take_chain(Bytes chain, std::string_view key_pem, const std::string& uri,
                              Bytes root) {
    Certificates certificates;
    Certificates trusted;
    Key key;
    if (!trusted.add(root) || !key.parse(key_pem))
        return Error{ErrorCode::malformed, "the root's certificate or the key cannot be read"};
    if (!certificates.parse_row(chain))
        return Error{ErrorCode::malformed, "the new certificate cannot be read"};
    if (!certificates.fits(key))
        return Error{ErrorCode::denied, "the new certificate is of another key"};
    if (certificates.only_name(MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER) != uri)
        return Error{ErrorCode::denied, "the new certificate is for another device"};
    if (!certificates.leads_to(trusted.first, nullptr, date_flags))
        return Error{ErrorCode::denied, "the new certificate's chain does not end in the root"};
    TakenChain taken;
    Certificates above;  // the authority right below the root, once it was there
    for (const mbedtls_x509_crt* at = &certificates.first; at != nullptr; at = at->next) {
        if (above.first.raw.p != nullptr) {
            if (at->next != nullptr || !is_sealing_of(der_of(*at), above.first))
                return Error{ErrorCode::denied, "what is behind the new certificate is no use"};
            taken.sealing_pem = pem_of(*at);
            break;
        }
        taken.pem += pem_of(*at);
        Certificates alone;
        if (alone.add(der_of(*at)) && alone.leads_to(trusted.first, nullptr, date_flags))
            above.add(der_of(*at));
    }
    taken.not_before = time_of(certificates.first.valid_from);
    taken.not_after = time_of(certificates.first.valid_to);
    return taken;
}

Result<std::string> take_sealing(Bytes sealing, std::string_view chain_pem, Bytes root) {
    const Error refused{ErrorCode::denied,
                        "the sealing key's certificate is not of the tenant's authority"};
    Certificates alone;
    Certificates chain;
    Certificates trusted;
    if (!trusted.add(root) || !chain.parse(chain_pem) || !alone.add(sealing))
        return Error{ErrorCode::malformed, "the sealing key's certificate cannot be read"};
    for (const mbedtls_x509_crt* at = &chain.first; at != nullptr; at = at->next) {
        Certificates above;
        if (!above.add(std::as_bytes(std::span{at->raw.p, at->raw.len}))) return refused;
        if (!above.leads_to(trusted.first, nullptr, date_flags)) continue;  // by others of them
        return alone.leads_to(above.first, nullptr, date_flags)
                   ? Result<std::string>{pem_of(alone.first)}
                   : refused;
    }
    return refused;
}

Result<CertificateDates> dates_of(std::string_view certificates_pem) {
    Certificates certificates;
    if (!certificates.parse(certificates_pem))
        return Error{ErrorCode::malformed, "the certificate cannot be read"};
    return CertificateDates{time_of(certificates.first.valid_from),
                            time_of(certificates.first.valid_to)};
}

Result<Der> first_certificate(std::string_view certificates_pem) {
    Certificates certificates;
    if (!certificates.parse(certificates_pem))
        return Error{ErrorCode::malformed, "the certificate cannot be read"};
    const auto der = std::as_bytes(std::span{certificates.first.raw.p, certificates.first.raw.len});
    return Der{der.begin(), der.end()};
}

bool key_fits(std::string_view key_pem, std::string_view certificates_pem) {
    Certificates certificates;
    Key key;
    return certificates.parse(certificates_pem) && key.parse(key_pem) && certificates.fits(key);
}

Result<EnrolmentServer> enrolment_server(const std::vector<Der>& chain) {
    Certificates certificates;
    Certificates root;
    if (chain.size() < 2 || !root.add(chain.back()))
        return Error{ErrorCode::denied, "the collector shows no root"};
    for (const Der& each : chain)
        if (!certificates.add(each))
            return Error{ErrorCode::malformed, "the collector's certificate cannot be read"};
    EnrolmentServer server;
    server.name = certificates.only_name(MBEDTLS_X509_SAN_DNS_NAME);
    if (server.name.empty())
        return Error{ErrorCode::denied, "the collector's certificate is not for one name"};
    if (!certificates.leads_to(root.first, server.name.c_str(), 0)) {
        return Error{ErrorCode::denied,
                     "the collector's certificate is not of its root, or not valid now: is the "
                     "clock right?"};
    }
    server.root = chain.back();
    server.root_pem = pem_of(root.first);
    return server;
}

}  // namespace longhaul::agent
