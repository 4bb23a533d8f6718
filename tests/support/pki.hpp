// Certificates for tests, issued as the tools issue them.
#pragma once

#include <chrono>
#include <string>

#include "collector/registry/certificate.hpp"

namespace longhaul::test {

struct Issued {
    std::string key;          // PEM
    std::string certificate;  // PEM, without a chain
};

inline WallUs wall_now() {
    using namespace std::chrono;
    return {duration_cast<microseconds>(system_clock::now().time_since_epoch()).count()};
}

// `issuer` nullptr: signed by itself. `days` may be negative: it expired that long ago.
inline Issued issue(collector::CertificateRequest request, const Issued* issuer, int days = 30) {
    LH_CHECK(crypto_init().ok());
    Issued issued;
    issued.key = collector::generate_key().value();
    request.subject_key_pem = issued.key;
    request.issuer_key_pem = issuer == nullptr ? issued.key : issuer->key;
    if (issuer != nullptr) request.issuer_pem = issuer->certificate;
    constexpr std::int64_t day_us = 86'400'000'000;
    request.now = days > 0 ? wall_now() : WallUs{wall_now().value + (days - 1) * day_us};
    request.days = days > 0 ? days : 1;
    issued.certificate = collector::issue_certificate(request).value();
    return issued;
}

inline Issued issue_authority(const std::string& name, const Issued* issuer = nullptr) {
    collector::CertificateRequest request;
    request.subject = name;
    request.authority = true;
    return issue(request, issuer);
}

inline Issued issue_device(const Issued& authority, const collector::DeviceName& name,
                           int days = 30) {
    collector::CertificateRequest request;
    request.subject = name.device;
    request.uri = collector::device_uri(name);
    return issue(request, &authority, days);
}

inline Issued issue_server(const Issued& authority, const std::string& name) {
    collector::CertificateRequest request;
    request.subject = name;
    request.dns = name;
    return issue(request, &authority);
}

}  // namespace longhaul::test
