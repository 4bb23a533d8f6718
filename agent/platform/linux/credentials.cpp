#include "agent/platform/linux/credentials.hpp"

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include <cstring>

#include "agent/platform/linux/certificate_request.hpp"
#include "common/block/limits.hpp"
#include "common/host/files.hpp"

namespace longhaul::agent {
namespace {

constexpr std::size_t secret_bytes_min = 16;

// Dates are for the collector to judge; a device whose clock is wrong still has to seal.
constexpr std::uint32_t date_flags = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;

const unsigned char* raw(const std::vector<std::byte>& bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

int random_numbers(void*, unsigned char* out, std::size_t size) {
    return random_bytes(std::as_writable_bytes(std::span{out, size})).ok()
               ? 0
               : MBEDTLS_ERR_PK_BAD_INPUT_DATA;
}

Result<std::vector<std::byte>, Message> read_pem(const std::string& path) {
    LH_TRY_ASSIGN(std::vector<std::byte> bytes, read_file(path));
    bytes.push_back({});  // mbedTLS takes a PEM text with its terminating zero
    return bytes;
}

class KeyPair {
 public:
    KeyPair() { mbedtls_pk_init(&key_); }
    ~KeyPair() { mbedtls_pk_free(&key_); }
    KeyPair(const KeyPair&) = delete;
    KeyPair& operator=(const KeyPair&) = delete;

    bool parse(const std::vector<std::byte>& pem) {
        return mbedtls_pk_parse_key(&key_, raw(pem), pem.size(), nullptr, 0, random_numbers,
                                    nullptr) == 0 &&
               mbedtls_pk_can_do(&key_, MBEDTLS_PK_ECDSA) != 0;
    }
    bool belongs_to(const mbedtls_x509_crt& certificate) const {
        return mbedtls_pk_check_pair(&certificate.pk, &key_, random_numbers, nullptr) == 0;
    }
    bool read(PrivateKey& out) const {
        std::size_t size = 0;
        return mbedtls_ecp_write_key_ext(mbedtls_pk_ec(key_), &size,
                                         reinterpret_cast<unsigned char*>(out.bytes.data()),
                                         out.bytes.size()) == 0 &&
               size == out.bytes.size();
    }

 private:
    mbedtls_pk_context key_;
};

}  // namespace

// Certificates of one file.
class Credentials::Chain {
 public:
    Chain() { mbedtls_x509_crt_init(&first_); }
    ~Chain() { mbedtls_x509_crt_free(&first_); }
    Chain(const Chain&) = delete;
    Chain& operator=(const Chain&) = delete;

    Result<void, Message> parse(const std::vector<std::byte>& pem, const std::string& path) {
        if (mbedtls_x509_crt_parse(&first_, raw(pem), pem.size()) == 0) return {};
        return Message{path + ": is not a certificate in PEM form"};
    }
    bool parse_der(Bytes der) {
        return mbedtls_x509_crt_parse_der(
                   &first_, reinterpret_cast<const unsigned char*>(der.data()), der.size()) == 0;
    }
    // A device's own certificate is issued by the same authority, and is for signatures.
    bool is_for_sealing() const {
        return mbedtls_x509_crt_has_ext_type(&first_, MBEDTLS_X509_EXT_KEY_USAGE) != 0 &&
               mbedtls_x509_crt_check_key_usage(&first_, MBEDTLS_X509_KU_KEY_AGREEMENT) == 0 &&
               mbedtls_x509_crt_check_key_usage(&first_, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0;
    }
    bool is_older_than(const Chain& other) const {
        return mbedtls_x509_time_cmp(&first_.valid_from, &other.first_.valid_from) < 0;
    }
    Bytes der() const { return std::as_bytes(std::span{first_.raw.p, first_.raw.len}); }
    mbedtls_x509_crt& first() { return first_; }
    // The issuer behind the first certificate; nullptr when the file has one only.
    mbedtls_x509_crt* issuer() { return first_.next; }

    // Does its chain end in `trusted`, dates aside?
    bool signed_by(mbedtls_x509_crt& trusted) {
        std::uint32_t flags = 0;
        const int code =
            mbedtls_x509_crt_verify(&first_, &trusted, nullptr, nullptr, &flags, nullptr, nullptr);
        return code == 0 ||
               (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && (flags & ~date_flags) == 0);
    }
    bool has_uri(const std::string& uri) const {
        for (const mbedtls_x509_sequence* name = &first_.subject_alt_names; name != nullptr;
             name = name->next) {
            mbedtls_x509_subject_alternative_name san{};
            if (name->buf.p == nullptr ||
                mbedtls_x509_parse_subject_alt_name(&name->buf, &san) != 0)
                continue;
            const mbedtls_x509_buf& text = san.san.unstructured_name;
            const bool same = san.type == MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER &&
                              text.len == uri.size() &&
                              std::memcmp(text.p, uri.data(), text.len) == 0;
            mbedtls_x509_free_subject_alt_name(&san);
            if (same) return true;
        }
        return false;
    }
    bool read_point(PublicKey& out) const {
        if (mbedtls_pk_can_do(&first_.pk, MBEDTLS_PK_ECKEY) == 0) return false;
        const mbedtls_ecp_keypair* const pair = mbedtls_pk_ec(first_.pk);
        std::size_t size = 0;
        return mbedtls_ecp_write_public_key(pair, MBEDTLS_ECP_PF_UNCOMPRESSED, &size,
                                            reinterpret_cast<unsigned char*>(out.data()),
                                            out.size()) == 0 &&
               size == out.size();
    }

 private:
    mbedtls_x509_crt first_;
};

Result<std::unique_ptr<Credentials>, Message> Credentials::load(const AgentConfig& config) {
    std::unique_ptr<Credentials> credentials{new Credentials};
    LH_TRY(credentials->read_files(config));
    LH_TRY(credentials->read_certificates(config));
    return credentials;
}

Result<void, Message> Credentials::read_files(const AgentConfig& config) {
    LH_TRY(check_secrets_are_private(config));
    LH_TRY_ASSIGN(root_pem_, read_pem(config.root));
    LH_TRY_ASSIGN(certificates_pem_, read_pem(config.certificate));
    LH_TRY_ASSIGN(sealing_pem_, read_pem(config.sealing_key));
    LH_TRY_ASSIGN(secret_, read_private_file(config.secret));
    if (secret_.size() >= secret_bytes_min) return {};
    return Message{config.secret + ": has fewer than 16 bytes; make it anew, from a random source"};
}

Result<void, Message> Credentials::read_certificates(const AgentConfig& config) {
    Chain root;
    Chain device;
    Chain sealing;
    LH_TRY(root.parse(root_pem_, config.root));
    LH_TRY(device.parse(certificates_pem_, config.certificate));
    LH_TRY(sealing.parse(sealing_pem_, config.sealing_key));

    KeyPair key;
    LH_TRY_ASSIGN(const std::vector<std::byte> key_pem, read_pem(config.key));
    if (!key.parse(key_pem))
        return Message{config.key + ": is not a P-256 private key in PEM form"};
    if (!key.belongs_to(device.first())) {
        return Message{config.key + ": is not the key of " + config.certificate};
    }
    PrivateKey bytes;
    if (!key.read(bytes)) return Message{config.key + ": is not a P-256 private key in PEM form"};
    const auto kept = keep_signing_key(bytes);
    if (!kept.ok()) return Message{config.key + ": " + to_string(kept.error())};
    key_ = kept.value();

    const std::string uri =
        "longhaul://" + config.environment + "/" + config.tenant + "/" + config.name;
    if (!device.has_uri(uri)) return Message{config.certificate + ": is not for " + uri};
    if (device.issuer() == nullptr) {
        return Message{config.certificate +
                       ": lacks the tenant authority's certificate behind the device's"};
    }
    if (!device.signed_by(root.first())) {
        return Message{config.certificate + ": its chain does not end in " + config.root};
    }
    // The tenant's own authority: below it there may be one on a collector, which issues devices'
    // certificates and has no say in what is sealed for.
    if (!take_sealing(sealing.der(), as_text(certificates_pem_), root.der()).ok()) {
        return Message{config.sealing_key + ": is not signed by the authority in " +
                       config.certificate};
    }
    if (!sealing.read_point(sealing_key_)) {
        return Message{config.sealing_key + ": does not hold a P-256 key"};
    }
    const mbedtls_x509_buf& der = device.first().raw;
    certificate_.assign(reinterpret_cast<const std::byte*>(der.p),
                        reinterpret_cast<const std::byte*>(der.p) + der.len);
    if (certificate_.size() <= limits::certificate_bytes_max) return {};
    return Message{config.certificate + ": is larger than 2048 bytes"};
}

Result<SealingCertificate, Message> Credentials::judge_sealing(Bytes certificate,
                                                               const std::string& current) const {
    Chain root;
    Chain offered;
    Chain now;
    LH_TRY(root.parse(root_pem_, "the root"));
    LH_TRY_ASSIGN(const std::vector<std::byte> current_pem, read_pem(current));
    LH_TRY(now.parse(current_pem, current));
    if (!offered.parse_der(certificate)) return Message{"it is no certificate"};
    auto pem = take_sealing(certificate, as_text(certificates_pem_), root.der());
    if (!pem.ok())
        return Message{
            "it is not signed by the tenant's authority behind the device's certificate"};
    if (!offered.is_for_sealing()) return Message{"its certificate is not for a sealing key"};
    if (offered.is_older_than(now)) return Message{"it is older than the one in " + current};
    SealingCertificate judged;
    if (!offered.read_point(judged.key)) return Message{"it is no P-256 key"};
    judged.pem = std::move(pem).value();
    return judged;
}

Result<void, Message> check_secrets_are_private(const AgentConfig& config) {
    LH_TRY(read_private_file(config.key));
    LH_TRY(read_private_file(config.secret));
    return {};
}

}  // namespace longhaul::agent
