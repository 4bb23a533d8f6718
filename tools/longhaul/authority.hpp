// The folder of a certificate authority: `longhaul ca init` makes it, `longhaul device add` issues
// from it.
//
//   ca.toml                   environment, and where devices find the collector
//   root.key  root.crt        issues tenants' authorities and the collector's certificate; the key
//                             belongs elsewhere, offline, and is brought when it is needed
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

std::string registry_of(const std::string& folder);

// What needs the root's key.
struct RootRequest {
    std::string folder;
    std::string root_key;  // path; empty: root.key in the folder
    WallUs now;
};
Result<void, Message> add_tenant(const RootRequest& request, const std::string& tenant);
// A new key and certificate for the collector.
Result<void, Message> rotate_server(const RootRequest& request);
// A new authority for a tenant, whose sealing key stays. Devices of the older one are let in on.
Result<void, Message> rotate_tenant(const RootRequest& request, const std::string& tenant);

}  // namespace longhaul::tools
