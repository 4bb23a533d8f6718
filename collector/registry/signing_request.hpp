// What a device asks a certificate with: PKCS#10, as far as it is ours. The private key has signed
// it, so whoever asks has that key.
#pragma once

#include <optional>

#include "collector/registry/certificate.hpp"

namespace longhaul::collector {

struct SigningRequest {
    PublicKey key{};
    std::optional<DeviceName> name;  // of its URI, when it has one
};

// malformed: not such a request. unsupported: another kind of key or signature. denied: not signed
// by the key that it names, or a URI that is no device's.
Result<SigningRequest> parse_signing_request(Bytes der);

}  // namespace longhaul::collector
