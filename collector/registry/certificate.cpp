#include "collector/registry/certificate.hpp"

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

// In 3.6 this header forgets to say that it is C.
extern "C" {
#include <mbedtls/psa_util.h>
}

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>

namespace longhaul::collector {
namespace {

constexpr std::string_view uri_scheme = "longhaul://";
constexpr std::size_t pem_bytes_max = 8192;

const unsigned char* raw(Bytes bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

// mbedTLS wants PEM with its closing zero counted.
const unsigned char* raw(const std::string& pem) {
    return reinterpret_cast<const unsigned char*>(pem.c_str());
}

struct Key {
    mbedtls_pk_context context;
    Key() { mbedtls_pk_init(&context); }
    ~Key() { mbedtls_pk_free(&context); }
    Key(const Key&) = delete;
    Key& operator=(const Key&) = delete;

    Status parse(const std::string& pem) {
        const int result = mbedtls_pk_parse_key(&context, raw(pem), pem.size() + 1, nullptr, 0,
                                                mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
        if (result != 0 || mbedtls_pk_get_type(&context) != MBEDTLS_PK_ECKEY) {
            return Error{ErrorCode::malformed, "not a private key of P-256"};
        }
        return {};
    }

    Status parse_public(const PublicKey& point) {
        // SubjectPublicKeyInfo of a point on P-256, up to the point.
        constexpr std::array<unsigned char, 26> head{
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
            0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
        std::array<unsigned char, head.size() + std::tuple_size_v<PublicKey>> info;
        std::copy(head.begin(), head.end(), info.begin());
        std::memcpy(info.data() + head.size(), point.data(), point.size());
        if (mbedtls_pk_parse_public_key(&context, info.data(), info.size()) != 0)
            return Error{ErrorCode::malformed, "not a public key of P-256"};
        return {};
    }
};

WallUs time_of(const mbedtls_x509_time& time) {
    using namespace std::chrono;
    const sys_days day = year{time.year} / time.mon / time.day;
    const auto moment = day + hours{time.hour} + minutes{time.min} + seconds{time.sec};
    return {duration_cast<microseconds>(moment.time_since_epoch()).count()};
}

std::string x509_time(WallUs time) {
    using namespace std::chrono;
    const auto moment = floor<seconds>(sys_time<microseconds>{microseconds{time.value}});
    const auto day = floor<days>(moment);
    const year_month_day date{day};
    const hh_mm_ss clock{moment - day};
    char text[32];
    std::snprintf(text, sizeof(text), "%04d%02u%02u%02d%02d%02d", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    return text;
}

}  // namespace

bool is_name_part(std::string_view text) {
    return !text.empty() && text.size() <= limits::name_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
           });
}

Result<DeviceName> parse_device_uri(std::string_view uri) {
    const Error refused{ErrorCode::denied,
                        "the certificate's URI is not longhaul://<environment>/<tenant>/<device>"};
    if (!uri.starts_with(uri_scheme)) return refused;
    uri.remove_prefix(uri_scheme.size());
    const std::size_t first = uri.find('/');
    if (first == std::string_view::npos) return refused;
    const std::size_t second = uri.find('/', first + 1);
    if (second == std::string_view::npos) return refused;
    DeviceName name{std::string{uri.substr(0, first)},
                    std::string{uri.substr(first + 1, second - first - 1)},
                    std::string{uri.substr(second + 1)}};
    if (!is_name_part(name.environment) || !is_name_part(name.tenant) || !is_name_part(name.device))
        return refused;
    return name;
}

std::string device_uri(const DeviceName& name) {
    return std::string{uri_scheme} + name.environment + "/" + name.tenant + "/" + name.device;
}

Certificate::Certificate() : certificate_{std::make_unique<mbedtls_x509_crt>()} {
    mbedtls_x509_crt_init(certificate_.get());
}
Certificate::Certificate(Certificate&&) noexcept = default;
Certificate& Certificate::operator=(Certificate&& other) noexcept {
    std::swap(certificate_, other.certificate_);
    return *this;
}
Certificate::~Certificate() {
    if (certificate_) mbedtls_x509_crt_free(certificate_.get());
}

Result<Certificate> Certificate::parse(Bytes bytes) {
    if (as_text(bytes).find("-----BEGIN CERTIFICATE-----") == std::string_view::npos) {
        return parse_der(bytes);
    }
    Certificate parsed;
    const std::string text{as_text(bytes)};
    if (mbedtls_x509_crt_parse(parsed.certificate_.get(), raw(text), text.size() + 1) != 0) {
        return Error{ErrorCode::malformed, "certificate"};
    }
    return parsed;
}

Result<Certificate> Certificate::parse_der(Bytes bytes) {
    Certificate parsed;
    if (mbedtls_x509_crt_parse_der(parsed.certificate_.get(), raw(bytes), bytes.size()) != 0 ||
        parsed.der().size() != bytes.size()) {
        return Error{ErrorCode::malformed, "certificate"};
    }
    return parsed;
}

Result<DeviceName> Certificate::device_name() const {
    std::optional<Result<DeviceName>> name;
    for (const mbedtls_x509_sequence* at = &certificate_->subject_alt_names; at != nullptr;
         at = at->next) {
        mbedtls_x509_subject_alternative_name san;
        if (at->buf.p == nullptr || mbedtls_x509_parse_subject_alt_name(&at->buf, &san) != 0) {
            continue;
        }
        if (san.type == MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER) {
            const auto& uri = san.san.unstructured_name;
            name = name ? Error{ErrorCode::denied, "the certificate has several URIs"}
                        : parse_device_uri({reinterpret_cast<const char*>(uri.p), uri.len});
        }
        mbedtls_x509_free_subject_alt_name(&san);
    }
    return name ? *std::move(name) : Error{ErrorCode::denied, "the certificate names no device"};
}

Result<PublicKey> Certificate::public_key() const {
    const Error refused{ErrorCode::unsupported, "the certificate's key is not of P-256"};
    mbedtls_pk_context& key = certificate_->pk;
    if (mbedtls_pk_get_type(&key) != MBEDTLS_PK_ECKEY) return refused;
    // SubjectPublicKeyInfo ends with the uncompressed point.
    std::array<unsigned char, 128> info;
    const int length = mbedtls_pk_write_pubkey_der(&key, info.data(), info.size());
    PublicKey point;
    if (length < static_cast<int>(point.size()) || mbedtls_pk_get_bitlen(&key) != 256)
        return refused;
    std::memcpy(point.data(), info.data() + info.size() - point.size(), point.size());
    return point[0] == std::byte{4} ? Result<PublicKey>{point} : refused;
}

Bytes Certificate::der() const {
    return {reinterpret_cast<const std::byte*>(certificate_->raw.p), certificate_->raw.len};
}

std::string Certificate::subject() const {
    std::array<char, 256> text;
    const int length = mbedtls_x509_dn_gets(text.data(), text.size(), &certificate_->subject);
    return length < 0 ? std::string{} : std::string{text.data(), static_cast<std::size_t>(length)};
}

std::string Certificate::server_name() const {
    std::string name;
    for (const mbedtls_x509_sequence* at = &certificate_->subject_alt_names; at != nullptr;
         at = at->next) {
        mbedtls_x509_subject_alternative_name san;
        if (at->buf.p == nullptr || mbedtls_x509_parse_subject_alt_name(&at->buf, &san) != 0)
            continue;
        const auto& text = san.san.unstructured_name;
        const bool is_dns = san.type == MBEDTLS_X509_SAN_DNS_NAME;
        const bool second = is_dns && !name.empty();
        if (is_dns) name.assign(reinterpret_cast<const char*>(text.p), text.len);
        mbedtls_x509_free_subject_alt_name(&san);
        if (second) return {};
    }
    return name;
}

WallUs Certificate::not_before() const { return time_of(certificate_->valid_from); }
WallUs Certificate::not_after() const { return not_after_of(*certificate_); }
WallUs not_after_of(const mbedtls_x509_crt& certificate) { return time_of(certificate.valid_to); }

Status Certificate::issued_by(const Certificate& authority) const {
    // The authority alone, not what may stand behind it in the same file.
    const Bytes der = authority.der();
    Certificate trusted;
    if (mbedtls_x509_crt_parse_der_nocopy(trusted.certificate_.get(), raw(der), der.size()) != 0) {
        return Error{ErrorCode::malformed, "certificate"};
    }
    std::uint32_t flags = 0;
    const int result = mbedtls_x509_crt_verify(certificate_.get(), trusted.certificate_.get(),
                                               nullptr, nullptr, &flags, nullptr, nullptr);
    constexpr std::uint32_t dates = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
    const bool verified = result == 0 || result == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED;
    if (verified && (flags & ~dates) == 0) return {};
    return Error{ErrorCode::denied, "the certificate was issued by another authority"};
}

Status verify_signed_epoch(const SignedEpoch& epoch, const DeviceName& name,
                           std::span<const Certificate> authorities) {
    LH_TRY_ASSIGN(const Certificate certificate, Certificate::parse_der(epoch.certificate));
    LH_TRY_ASSIGN(const DeviceName signer, certificate.device_name());
    if (signer != name)
        return Error{ErrorCode::denied, "the epoch record is signed by another device"};
    Status issued = Error{ErrorCode::denied, "the tenant has no authority"};
    for (const Certificate& authority : authorities) {
        issued = certificate.issued_by(authority);
        if (issued.ok()) break;
    }
    LH_TRY(issued);
    LH_TRY_ASSIGN(const PublicKey key, certificate.public_key());
    return verify(key, epoch.record, epoch.signature);
}

Result<std::string> generate_key() {
    Key key;
    std::array<unsigned char, pem_bytes_max> pem;
    if (mbedtls_pk_setup(&key.context, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) != 0 ||
        mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key.context),
                            mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE) != 0 ||
        mbedtls_pk_write_key_pem(&key.context, pem.data(), pem.size()) != 0) {
        return Error{ErrorCode::io, "a key cannot be generated"};
    }
    return std::string{reinterpret_cast<const char*>(pem.data())};
}

Result<PrivateKey> private_key_of(std::string_view key_pem) {
    Key key;
    LH_TRY(key.parse(std::string{key_pem}));
    PrivateKey result;
    const mbedtls_ecp_keypair* pair = mbedtls_pk_ec(key.context);
    std::size_t length = 0;
    if (mbedtls_ecp_write_key_ext(pair, &length,
                                  reinterpret_cast<unsigned char*>(result.bytes.data()),
                                  result.bytes.size()) != 0 ||
        length != result.bytes.size()) {
        return Error{ErrorCode::malformed, "not a private key of P-256"};
    }
    return result;
}

namespace {

struct Writing {
    mbedtls_x509write_cert context;
    Writing() { mbedtls_x509write_crt_init(&context); }
    ~Writing() { mbedtls_x509write_crt_free(&context); }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;
};

mbedtls_x509_san_list san_of(int type, const std::string& text) {
    mbedtls_x509_san_list san{};
    san.node.type = type;
    san.node.san.unstructured_name.p =
        const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(text.data()));
    san.node.san.unstructured_name.len = text.size();
    return san;
}

int set_extensions(mbedtls_x509write_cert& writing, const CertificateRequest& request) {
    mbedtls_x509_san_list uri = san_of(MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER, request.uri);
    mbedtls_x509_san_list dns = san_of(MBEDTLS_X509_SAN_DNS_NAME, request.dns);
    int failed = 0;
    if (!request.uri.empty())
        failed |= mbedtls_x509write_crt_set_subject_alternative_name(&writing, &uri);
    if (!request.dns.empty())
        failed |= mbedtls_x509write_crt_set_subject_alternative_name(&writing, &dns);
    failed |= mbedtls_x509write_crt_set_basic_constraints(&writing, request.authority ? 1 : 0,
                                                          request.path_length);
    const unsigned usage = request.authority
                               ? MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN
                           : request.key_agreement ? MBEDTLS_X509_KU_KEY_AGREEMENT
                                                   : MBEDTLS_X509_KU_DIGITAL_SIGNATURE;
    failed |= mbedtls_x509write_crt_set_key_usage(&writing, usage);
    return failed;
}

}  // namespace

Result<std::string> issue_certificate(const CertificateRequest& request) {
    Key subject;
    Key issuer;
    LH_TRY(request.subject_public ? subject.parse_public(*request.subject_public)
                                  : subject.parse(request.subject_key_pem));
    LH_TRY(issuer.parse(request.issuer_key_pem));
    const std::string subject_name = "CN=" + request.subject;
    std::string issuer_name = subject_name;
    if (!request.issuer_pem.empty()) {
        LH_TRY_ASSIGN(const Certificate certificate,
                      Certificate::parse(as_bytes(request.issuer_pem)));
        issuer_name = certificate.subject();
    }
    std::array<std::byte, 16> serial{};
    if (request.serial) serial = *request.serial;
    if (!request.serial) LH_TRY(random_bytes(serial));
    serial[0] = (serial[0] & std::byte{0x7f}) | std::byte{0x40};  // positive, of full length
    constexpr std::int64_t day_us = 86'400'000'000;
    constexpr std::int64_t clock_slack_us = 3'600'000'000;  // a device's clock may be behind ours

    Writing writing;
    mbedtls_x509write_crt_set_subject_key(&writing.context, &subject.context);
    mbedtls_x509write_crt_set_issuer_key(&writing.context, &issuer.context);
    mbedtls_x509write_crt_set_md_alg(&writing.context, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_version(&writing.context, MBEDTLS_X509_CRT_VERSION_3);
    int failed = mbedtls_x509write_crt_set_subject_name(&writing.context, subject_name.c_str());
    failed |= mbedtls_x509write_crt_set_issuer_name(&writing.context, issuer_name.c_str());
    failed |= mbedtls_x509write_crt_set_serial_raw(
        &writing.context, reinterpret_cast<unsigned char*>(serial.data()), serial.size());
    failed |= mbedtls_x509write_crt_set_validity(
        &writing.context, x509_time({request.now.value - clock_slack_us}).c_str(),
        x509_time({request.now.value + request.days * day_us}).c_str());
    failed |= set_extensions(writing.context, request);
    std::array<unsigned char, pem_bytes_max> pem;
    if (failed != 0 ||
        mbedtls_x509write_crt_pem(&writing.context, pem.data(), pem.size(), mbedtls_psa_get_random,
                                  MBEDTLS_PSA_RANDOM_STATE) != 0) {
        return Error{ErrorCode::io, "a certificate cannot be issued"};
    }
    return std::string{reinterpret_cast<const char*>(pem.data())};
}

}  // namespace longhaul::collector
