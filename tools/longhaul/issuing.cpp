#include "tools/longhaul/issuing.hpp"

#include <algorithm>
#include <filesystem>

#include "common/base/hex.hpp"
#include "common/host/files.hpp"

namespace longhaul::tools {

using collector::Certificate;
using collector::CertificateRequest;

namespace {

CertificateRequest sealing_request(const std::string& tenant) {
    CertificateRequest request;
    request.subject = tenant + " sealing key";
    request.key_agreement = true;
    request.days = authority_days;
    return request;
}

std::string sealing_path(const std::string& folder, const std::string& tenant) {
    return folder + "/tenants/" + tenant + "/sealing.crt";
}

Result<PublicKey, Message> public_key(const std::string& certificate_pem) {
    const auto certificate = Certificate::parse(as_bytes(certificate_pem));
    if (!certificate.ok()) return Message{to_string(certificate.error())};
    const auto key = certificate.value().public_key();
    if (!key.ok()) return Message{to_string(key.error())};
    return key.value();
}

// Devices that enrol get the new one, as long as the enrolment authority there is of the authority
// that has issued it.
Result<void, Message> renew_enrolment_sealing(const std::string& folder, const std::string& tenant,
                                              const KeyPair& authority,
                                              const std::string& sealing) {
    const std::string base = folder + "/collector/enrolment/" + tenant;
    LH_TRY_ASSIGN(const bool there, is_there(base + ".crt"));
    if (!there) return {};
    LH_TRY_ASSIGN(const std::string chain, read_text_file(base + ".crt"));
    if (!chain.ends_with(authority.certificate)) return {};
    return replace_file(base + ".sealing.crt", as_bytes(sealing), public_file_mode);
}

}  // namespace

Result<KeyPair, Message> issue(CertificateRequest request, const KeyPair* issuer, WallUs now) {
    auto key = collector::generate_key();
    if (!key.ok()) return Message{to_string(key.error())};
    request.subject_key_pem = std::move(key).value();
    request.issuer_key_pem = issuer == nullptr ? request.subject_key_pem : issuer->key;
    if (issuer != nullptr) request.issuer_pem = issuer->certificate;
    request.now = now;
    auto certificate = collector::issue_certificate(request);
    if (!certificate.ok()) return Message{request.subject + ": " + to_string(certificate.error())};
    return KeyPair{request.subject_key_pem, std::move(certificate).value()};
}

Result<KeyPair, Message> issue_server(const std::string& name, const KeyPair& root, WallUs now) {
    CertificateRequest request;
    request.subject = name;
    request.dns = name;
    request.days = server_days;
    return issue(request, &root, now);
}

Result<KeyPair, Message> issue_tenant(const std::string& tenant, const KeyPair& root, WallUs now) {
    CertificateRequest request;
    request.subject = tenant + " authority";
    request.authority = true;
    request.days = authority_days;
    return issue(request, &root, now);
}

Result<void, Message> write_pair(const std::string& base, const KeyPair& pair) {
    LH_TRY(write_new_file(base + ".key", as_bytes(pair.key), private_file_mode));
    return write_new_file(base + ".crt", as_bytes(pair.certificate), public_file_mode);
}

Result<void, Message> replace_pair(const std::string& base, const KeyPair& pair) {
    LH_TRY(replace_file(base + ".key", as_bytes(pair.key), private_file_mode));
    LH_TRY(replace_file(base + ".crt", as_bytes(pair.certificate), public_file_mode));
    return sync_file_system(base + ".crt");
}

namespace {

// How much later a certificate has to begin, to be newer than the one that is there: they count in
// seconds, and devices are offered the newest.
Result<std::int64_t, Message> us_until_newer(const std::string& path, const KeyPair& pair) {
    if (!std::filesystem::exists(path)) return std::int64_t{0};
    LH_TRY_ASSIGN(const std::string text, read_text_file(path));
    const auto there = Certificate::parse(as_bytes(text));
    const auto made = Certificate::parse(as_bytes(pair.certificate));
    if (!there.ok() || !made.ok()) return Message{path + ": is no certificate"};
    const std::int64_t by =
        there.value().not_before().value - made.value().not_before().value + 1'000'000;
    return std::max<std::int64_t>(by, 0);
}

}  // namespace

Result<std::string, Message> make_sealing_key(const std::string& folder, const std::string& tenant,
                                              const KeyPair& authority, WallUs now) {
    LH_TRY_ASSIGN(KeyPair pair, issue(sealing_request(tenant), &authority, now));
    LH_TRY_ASSIGN(const std::int64_t later, us_until_newer(sealing_path(folder, tenant), pair));
    if (later != 0) {
        LH_TRY_ASSIGN(pair, issue(sealing_request(tenant), &authority, {now.value + later}));
    }
    LH_TRY_ASSIGN(const PublicKey key, public_key(pair.certificate));
    const std::string id = hex(sealing_key_id(key));
    LH_TRY(write_pair(folder + "/collector/sealing/" + id, pair));
    // Behind the key: no device seals for one that nobody has.
    LH_TRY(sync_file_system(folder));
    LH_TRY(
        replace_file(sealing_path(folder, tenant), as_bytes(pair.certificate), public_file_mode));
    LH_TRY(renew_enrolment_sealing(folder, tenant, authority, pair.certificate));
    return id;
}

Result<void, Message> renew_sealing_certificate(const std::string& folder,
                                                const std::string& tenant, const KeyPair& authority,
                                                WallUs now) {
    const std::string path = sealing_path(folder, tenant);
    LH_TRY_ASSIGN(const std::string old, read_text_file(path));
    CertificateRequest request = sealing_request(tenant);
    LH_TRY_ASSIGN(request.subject_public, public_key(old));
    request.issuer_key_pem = authority.key;
    request.issuer_pem = authority.certificate;
    request.now = now;
    const auto certificate = collector::issue_certificate(request);
    if (!certificate.ok()) return Message{path + ": " + to_string(certificate.error())};
    return replace_file(path, as_bytes(certificate.value()), public_file_mode);
}

}  // namespace longhaul::tools
