// `longhaul device list|show|revoke|allow` and `tenant list|limit`: what a collector's registry
// says of tenants and devices, who may not come in any more, and how much they may send.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::tools {

struct RegistryOptions {
    std::string config;              // the collector's configuration
    std::vector<std::string> names;  // of devices, or TENANT/NAME
    std::string tenant;              // only this one; empty: all
    std::string why;                 // for the audit trail
    bool json = false;
    WallUs now;
};

// What is not named stays as it is; 0 takes a limit away.
struct LimitRequest {
    RegistryOptions where;  // its tenant is meant
    std::optional<std::uint64_t> connections;
    std::optional<std::uint64_t> bytes_per_second;
    std::optional<std::uint64_t> bytes_per_day;
    std::optional<std::uint64_t> handshakes_per_second;
};

// Exit codes: 65 when a device or tenant is not there, 78 for the configuration.
Result<int, Message> list_tenants(const RegistryOptions& options);
Result<int, Message> limit_tenant(const LimitRequest& request);
// Devices with certificates of the tenant's older authorities may not come in any more.
Result<int, Message> cut_off_older(const RegistryOptions& options);
Result<int, Message> list_devices(const RegistryOptions& options);
Result<int, Message> show_devices(const RegistryOptions& options);
// Nothing is changed when one of them is not there.
Result<int, Message> revoke_devices(const RegistryOptions& options);
Result<int, Message> allow_devices(const RegistryOptions& options);

}  // namespace longhaul::tools
