// The registry: tenants, their authorities, and the devices that are allowed, in one SQLite file.
// Beside them why each device was refused the last time, for the person who asks.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.hpp"
#include "common/host/sqlite.hpp"

namespace longhaul::collector {

enum class DeviceState : std::uint8_t { unknown, allowed, revoked };

struct Tenant {
    std::string name;
    std::string authority_pem;  // certificate that issues this tenant's devices
};

struct NotedRefusal {
    std::string tenant;
    std::string device;
    WallUs time;
    std::string reason;  // a word
    std::string text;    // a sentence
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
    // unknown also when its tenant is gone.
    Result<DeviceState> find(std::string_view tenant, std::string_view device);
    Result<std::vector<std::string>> devices(std::string_view tenant);

    // One a device, and of all devices the newest ones only.
    static constexpr std::int64_t refusals_max = 10'000;
    Status note_refusals(const std::vector<NotedRefusal>& refusals);
    Result<std::optional<NotedRefusal>> last_refusal(std::string_view tenant,
                                                     std::string_view device);

 private:
    explicit Registry(SqliteDatabase database) : database_{std::move(database)} {}

    SqliteDatabase database_;
    SqliteStatement find_;  // asked at every handshake
};

}  // namespace longhaul::collector
