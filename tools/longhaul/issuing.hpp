// How the tools make keys and certificates, and where they lie in the authority's folder.
#pragma once

#include <string>

#include "collector/registry/certificate.hpp"

namespace longhaul::tools {

inline constexpr int authority_days = 3650;
inline constexpr int server_days = 365;

struct KeyPair {
    std::string key;          // PEM
    std::string certificate;  // PEM
};

// A new key with its certificate; without an issuer one that signs itself.
Result<KeyPair, Message> issue(collector::CertificateRequest request, const KeyPair* issuer,
                               WallUs now);
Result<KeyPair, Message> issue_server(const std::string& name, const KeyPair& root, WallUs now);
Result<KeyPair, Message> issue_tenant(const std::string& tenant, const KeyPair& root, WallUs now);

// <base>.key and <base>.crt; new ones, or in the place of those that are there.
Result<void, Message> write_pair(const std::string& base, const KeyPair& pair);
Result<void, Message> replace_pair(const std::string& base, const KeyPair& pair);

// A new sealing key, among the collector's and as what the tenant's next devices seal for. Its id.
Result<std::string, Message> make_sealing_key(const std::string& folder, const std::string& tenant,
                                              const KeyPair& authority, WallUs now);
// The certificate of the tenant's sealing key, issued again by `authority`.
Result<void, Message> renew_sealing_certificate(const std::string& folder,
                                                const std::string& tenant, const KeyPair& authority,
                                                WallUs now);

}  // namespace longhaul::tools
