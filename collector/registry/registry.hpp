// The registry: tenants, their authorities, and the devices that are allowed, in one SQLite file.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/host/sqlite.hpp"

namespace longhaul::collector {

enum class DeviceState : std::uint8_t { unknown, allowed, revoked };

struct Tenant {
    std::string name;
    std::string authority_pem;  // certificate that issues this tenant's devices
};

class Registry {
 public:
    // Makes the file when it is not there. unsupported: of another version of this program.
    static Result<std::unique_ptr<Registry>> open(const std::string& path);

    Status add_tenant(const Tenant& tenant);  // exists
    Result<std::vector<Tenant>> tenants();
    // All of them or none; a revoked one is allowed again. not_found: no such tenant.
    Status allow(std::string_view tenant, const std::vector<std::string>& devices);
    Status revoke(std::string_view tenant, std::string_view device);
    Result<DeviceState> find(std::string_view tenant, std::string_view device);

 private:
    explicit Registry(SqliteDatabase database) : database_{std::move(database)} {}

    SqliteDatabase database_;
};

}  // namespace longhaul::collector
