// X.509 certificates: who a device is, who says so, and how the tools issue them.
//
// A device is named by its certificate's SAN URI, longhaul://<environment>/<tenant>/<device>, and
// by nothing else. Keys are P-256. The only file pair beside collector/net that knows mbedTLS's
// X.509.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/time.hpp"
#include "common/block/epoch.hpp"

struct mbedtls_x509_crt;  // NOLINT(readability-identifier-naming): the name is theirs

namespace longhaul::collector {

struct DeviceName {
    std::string environment;
    std::string tenant;
    std::string device;
    friend bool operator==(const DeviceName&, const DeviceName&) = default;
};

// denied: not of that form; parts are [a-z0-9-], not empty, at most limits::name_bytes_max.
Result<DeviceName> parse_device_uri(std::string_view uri);
std::string device_uri(const DeviceName& name);
bool is_name_part(std::string_view text);

class Certificate {
 public:
    // PEM (the first certificate and those behind it as its chain) or DER.
    static Result<Certificate> parse(Bytes bytes);
    // One certificate and nothing behind it.
    static Result<Certificate> parse_der(Bytes bytes);
    Certificate(Certificate&&) noexcept;
    Certificate& operator=(Certificate&&) noexcept;
    ~Certificate();

    Result<DeviceName> device_name() const;  // denied: no URI, several, or another one
    Result<PublicKey> public_key() const;    // unsupported: not P-256
    Bytes der() const;
    std::string subject() const;  // "CN=bus-2228"
    // The only name of a server in it; empty: there is none, or several.
    std::string server_name() const;
    WallUs not_before() const;
    WallUs not_after() const;
    // Signed by `authority` (through this certificate's own chain); no dates are looked at.
    Status issued_by(const Certificate& authority) const;

 private:
    Certificate();
    std::unique_ptr<mbedtls_x509_crt> certificate_;
};

WallUs not_after_of(const mbedtls_x509_crt& certificate);

// The device's key behind `certificate` has signed exactly this record, and one of the authorities
// issued the certificate to `name`, however long ago. denied, with the reason.
Status verify_signed_epoch(const SignedEpoch& epoch, const DeviceName& name,
                           std::span<const Certificate> authorities);
inline Status verify_signed_epoch(const SignedEpoch& epoch, const DeviceName& name,
                                  const Certificate& authority) {
    return verify_signed_epoch(epoch, name, {&authority, 1});
}

// A new private key as PEM.
Result<std::string> generate_key();
Result<PrivateKey> private_key_of(std::string_view key_pem);

struct CertificateRequest {
    std::string subject{};                      // common name
    std::string subject_key_pem{};              // private key whose public part is certified ...
    std::optional<PublicKey> subject_public{};  // ... or the public key itself
    std::string issuer_key_pem{};
    std::string issuer_pem{};    // the issuer's certificate; empty: self-signed
    bool authority = false;      // may issue certificates itself
    int path_length = -1;        // of authorities below it, -1: any number
    bool key_agreement = false;  // a sealing key, no signatures
    std::string uri{};           // SAN, optional
    std::string dns{};           // SAN, optional
    int days = 90;
    WallUs now{};
    std::optional<std::array<std::byte, 16>> serial{};  // drawn, unless it is given
};
Result<std::string> issue_certificate(const CertificateRequest& request);  // PEM

}  // namespace longhaul::collector
