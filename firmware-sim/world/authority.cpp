#include "firmware-sim/world/authority.hpp"

#include <array>

#include "common/base/check.hpp"

namespace longhaul::sim {
namespace {

// A random scalar is a private key, but for one in 2^32.
PrivateKey draw_key(Random& random) {
    PrivateKey key;
    do random.fill(key.bytes);
    while (!public_key_of(key).ok());
    return key;
}

std::string base64(const std::string& bytes) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i)
            group = group << 8 | (i < count ? static_cast<std::uint8_t>(bytes[at + i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i)
            text += i <= count ? digits[group >> (18 - 6 * i) & 63] : '=';
    }
    return text;
}

// RFC 5915: version 1, the scalar, the curve P-256.
std::string pem_of(const PrivateKey& key) {
    std::string der{"\x30\x31\x02\x01\x01\x04\x20", 7};
    for (const std::byte each : key.bytes) der += static_cast<char>(each);
    der += std::string{"\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 12};
    return "-----BEGIN EC PRIVATE KEY-----\n" + base64(der) + "\n-----END EC PRIVATE KEY-----\n";
}

collector::Certificate parsed(const std::string& pem) {
    auto certificate = collector::Certificate::parse(as_bytes(pem));
    LH_CHECK(certificate.ok());
    return std::move(certificate).value();
}

}  // namespace

Authority::Authority(std::uint64_t seed, WallUs now)
    : random_{seed, "authority"},
      now_{now},
      key_{draw_key(random_)},
      key_pem_{pem_of(key_)},
      pem_{issue_pem("root", key_, {}, true)},
      certificate_{parsed(pem_)},
      sealing_key_{draw_key(random_)} {}

std::string Authority::issue_pem(const std::string& subject, const PrivateKey& key,
                                 const std::string& issuer_pem, bool authority) {
    collector::CertificateRequest request;
    request.subject = subject;
    request.subject_public = public_key_of(key).value();
    request.issuer_key_pem = key_pem_;
    request.issuer_pem = issuer_pem;
    request.authority = authority;
    if (!authority) request.uri = collector::device_uri({world_environment, world_tenant, subject});
    request.now = now_;
    random_.fill(request.serial.emplace());
    auto pem = collector::issue_certificate(request);
    LH_CHECK(pem.ok());
    return std::move(pem).value();
}

DeviceIdentity Authority::issue(const std::string& device) {
    const PrivateKey key = draw_key(random_);
    const collector::Certificate certificate = parsed(issue_pem(device, key, pem_, false));
    return {key, {certificate.der().begin(), certificate.der().end()}};
}

}  // namespace longhaul::sim
