#include "collector/registry/issuers.hpp"

#include <algorithm>
#include <filesystem>

#include "common/host/files.hpp"

namespace longhaul::collector {
namespace {

constexpr std::int64_t day_us = 86'400'000'000;
constexpr std::string_view key_suffix = ".key";

void append(std::vector<std::byte>& to, Bytes bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::vector<std::string> certificates_in(std::string_view pem) {
    constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----";
    constexpr std::string_view end = "-----END CERTIFICATE-----";
    std::vector<std::string> all;
    for (std::size_t at = pem.find(begin); at != std::string_view::npos; at = pem.find(begin, at)) {
        const std::size_t last = pem.find(end, at);
        if (last == std::string_view::npos) break;
        all.push_back(std::string{pem.substr(at, last + end.size() - at)} + "\n");
        at = last;
    }
    return all;
}

Result<Issuer, Message> Issuer::make(std::string key_pem, const std::string& chain_pem,
                                     const std::string& sealing_pem, const std::string& where) {
    const auto problem = [&where](const std::string& text) { return Message{where + ": " + text}; };
    const std::vector<std::string> chain = certificates_in(chain_pem);
    if (chain.size() != 2)
        return problem("needs two certificates: the enrolment authority's and the tenant's");
    const auto own = Certificate::parse(as_bytes(chain[0]));
    const auto tenant = Certificate::parse(as_bytes(chain[1]));
    const auto sealing = Certificate::parse(as_bytes(sealing_pem));
    if (!own.ok() || !tenant.ok()) return problem("has a certificate that cannot be read");
    if (!sealing.ok()) return problem("the sealing key's certificate beside it cannot be read");
    if (!own.value().issued_by(tenant.value()).ok())
        return problem("the first certificate was not issued by the second one");
    if (!sealing.value().issued_by(tenant.value()).ok())
        return problem("the sealing key's certificate beside it is of another authority");
    const auto key = private_key_of(key_pem);
    const auto wanted = own.value().public_key();
    const auto found = key.ok() ? public_key_of(key.value()) : Result<PublicKey>{key.error()};
    if (!wanted.ok() || !found.ok() || wanted.value() != found.value())
        return problem("is not the certificate of the key beside it");
    Issuer issuer;
    issuer.key_pem_ = std::move(key_pem);
    issuer.certificate_pem_ = chain[0];
    issuer.tenant_pem_ = chain[1];
    append(issuer.above_, own.value().der());
    append(issuer.above_, tenant.value().der());
    append(issuer.sealing_, sealing.value().der());
    if (issuer.above_.size() >
            limits::certificate_chain_bytes_max - limits::certificate_bytes_max ||
        issuer.sealing_.size() > limits::certificate_bytes_max) {
        return problem("a certificate of it, or of the sealing key, is larger than 2048 bytes");
    }
    issuer.expires_ = std::min(own.value().not_after(), tenant.value().not_after());
    return issuer;
}

Result<IssuedChain> Issuer::issue(const DeviceName& name, const PublicKey& key, int days,
                                  WallUs now) const {
    const auto days_left = static_cast<int>((expires_.value - now.value) / day_us);
    if (days_left < 1) return Error{ErrorCode::denied, "the enrolment authority has expired"};
    CertificateRequest request;
    request.subject = name.device;
    request.subject_public = key;
    request.uri = device_uri(name);
    request.issuer_key_pem = key_pem_;
    request.issuer_pem = certificate_pem_;
    request.days = std::min(days, days_left);
    request.now = now;
    LH_TRY_ASSIGN(const std::string pem, issue_certificate(request));
    LH_TRY_ASSIGN(const Certificate certificate, Certificate::parse(as_bytes(pem)));
    IssuedChain chain;
    append(chain.der, certificate.der());
    append(chain.der, above_);
    chain.expires = certificate.not_after();
    return chain;
}

Result<Issuers, Message> Issuers::load(const std::string& folder) {
    Issuers issuers;
    if (!is_folder(folder)) return issuers;
    LH_TRY_ASSIGN(issuers.root_pem, read_text_file(folder + "/root.crt"));
    LH_TRY_ASSIGN(const std::vector<std::string> files, paths_in(folder));
    for (const std::string& path : files) {
        if (!path.ends_with(key_suffix)) continue;
        const std::string base = path.substr(0, path.size() - key_suffix.size());
        LH_TRY_ASSIGN(const std::vector<std::byte> key, read_private_file(path));
        LH_TRY_ASSIGN(const std::string chain, read_text_file(base + ".crt"));
        LH_TRY_ASSIGN(const std::string sealing, read_text_file(base + ".sealing.crt"));
        LH_TRY_ASSIGN(Issuer issuer,
                      Issuer::make(std::string{as_text(key)}, chain, sealing, base + ".crt"));
        issuers.by_tenant.emplace(std::filesystem::path{base}.filename().string(),
                                  std::move(issuer));
    }
    return issuers;
}

}  // namespace longhaul::collector
