// The folder of a certificate authority: `longhaul ca init` makes it, `longhaul device add` issues
// from it.
//
//   ca.toml                   environment, and where devices find the collector
//   root.key  root.crt        issues tenants' authorities and the collector's certificate
//   tenants/<t>/ca.key .crt   issues the tenant's devices;  sealing.crt: what they seal for
//   collector/                all that a collector is given: certificate, registry, sealing keys,
//   configuration
#pragma once

#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::tools {

struct AuthorityRequest {
    std::string folder;
    std::string environment;
    std::vector<std::string> tenants;
    std::string server_name = "localhost";  // that devices expect in the collector's certificate
    std::string listen = "127.0.0.1:7600";
    WallUs now;
};

// Fails when there is an authority in the folder already.
Result<void, Message> make_authority(const AuthorityRequest& request);

// What issuing for a tenant's devices needs.
struct Authority {
    std::string environment;
    std::string server_name;
    std::string collector;         // address
    std::string root_certificate;  // PEM
    std::string tenant_certificate;
    std::string tenant_key;
    std::string sealing_certificate;
    std::string registry;  // path
};
Result<Authority, Message> read_authority(const std::string& folder, const std::string& tenant);

}  // namespace longhaul::tools
