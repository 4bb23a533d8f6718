// Keys and certificates of a small authority, and the folder of one of its devices.
#pragma once

#include <string>

#include "agent/platform/linux/agent_config.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/agent/pki.hpp"

namespace longhaul::test {

inline const std::string uri = "longhaul://test/acme/probe-1";

struct Pki {
    Key root_key, tenant_key, other_key, device_key, sealing_key;
    std::string root = issue(root_key, root_key, {.subject = "CN=root", .authority = true});
    std::string tenant = issue(tenant_key, root_key, {.subject = "CN=acme", .authority = true});
    std::string other_tenant =
        issue(other_key, root_key, {.subject = "CN=other", .authority = true});
    std::string device =
        issue(device_key, tenant_key, {.subject = "CN=probe-1", .issuer = "CN=acme", .uri = uri});
    std::string sealing =
        issue(sealing_key, tenant_key, {.subject = "CN=sealing", .issuer = "CN=acme"});
};
inline Pki& pki() {
    static Pki made;
    return made;
}

// The files of a device that are right, and the configuration that names them.
struct DeviceFolder {
    TemporaryFolder folder;
    agent::AgentConfig config;

    DeviceFolder() {
        config.path = "agent.toml";
        config.environment = "test";
        config.tenant = "acme";
        config.name = "probe-1";
        config.certificate = folder.write("device.crt", pki().device + pki().tenant);
        config.key = folder.write("device.key", pki().device_key.pem(), true);
        config.secret = folder.write("device.secret", std::string(32, 's'), true);
        config.root = folder.write("root.crt", pki().root);
        config.sealing_key = folder.write("sealing.crt", pki().sealing);
    }
};

}  // namespace longhaul::test
