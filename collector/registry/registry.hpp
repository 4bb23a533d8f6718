// The registry: tenants, their authorities, the devices that are allowed and the models that they
// are offered, in one SQLite file. Beside them why each device was refused the last time, for the
// person who asks.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/registry/day_intake.hpp"
#include "collector/registry/tenant_limits.hpp"
#include "common/base/time.hpp"
#include "common/block/model.hpp"
#include "common/block/schema.hpp"
#include "common/host/sqlite.hpp"

namespace longhaul::collector {

enum class DeviceState : std::uint8_t { unknown, allowed, revoked };

struct Tenant {
    std::string name;
    std::string authority_pem;             // certificate that issues this tenant's devices
    std::vector<std::string> older_pem{};  // that issued them before, and still are accepted
    // That are not any more. What devices signed under them while they were is still good, when
    // it comes from a device that may connect.
    std::vector<std::string> cut_off_pem{};
    std::vector<std::string> enrolment_pem{};  // below them, that issue on a collector

    std::vector<std::string> all_pem() const;  // whoever may have issued a device's certificate
};

// A model that the devices of a tenant should use for a schema. Never removed: what was
// sealed with it can be read only with it.
struct KeptModel {
    std::string tenant;
    SchemaHash schema{};
    ModelHash hash{};
    WallUs added;
    std::vector<std::byte> bytes;
};

struct NotedRefusal {
    std::string tenant;
    std::string device;
    WallUs time;
    std::string reason;  // a word
    std::string text;    // a sentence
};

// Two sessions of one device at a time, both of which went on: somebody has a copy of its key.
struct NotedClone {
    std::string tenant;
    std::string device;
    WallUs time;       // the last time
    std::string text;  // a sentence, with both addresses
    WallUs first{};    // the first time
    std::int64_t times = 1;
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

    // Adding one again makes it the newest of its schema. not_found: no such tenant. malformed,
    // unsupported, too_large: it is no model.
    Status add_model(std::string_view tenant, const SchemaHash& schema, Bytes model, WallUs now);
    Result<std::vector<KeptModel>> models();  // the newest last
    // The authority becomes an older one of its tenant, and this one takes its place.
    Status rotate_authority(const std::string& tenant, const std::string& authority_pem);
    // Of the older authorities of this tenant; the number of them.
    Result<std::int64_t> cut_off_older(const std::string& tenant);
    // not_found: no such tenant. Who has no limits is not in the map.
    Status set_limits(const std::string& tenant, const TenantLimits& limits);
    Result<std::map<std::string, TenantLimits>> limits();
    // Of one day, the last that was kept.
    Status keep_intake(const DayIntake& taken);
    Result<DayIntake> intake();
    // An enrolment authority of the tenant is accepted; not_found: no such tenant.
    Status add_enrolment_authority(std::string_view tenant, std::string_view authority_pem);
    // None is from now on, nor what they issued; how many there were.
    Result<int> drop_enrolment_authorities(std::string_view tenant);
    // Until when the certificate is good that a device was given last, as far as it was noted.
    Status note_expiry(std::string_view tenant, const std::vector<std::string>& devices,
                       WallUs expires);
    Result<std::optional<WallUs>> expiry(std::string_view tenant, std::string_view device);

    // One a device, and of all devices the newest ones only.
    static constexpr std::int64_t refusals_max = 10'000;
    Status note_refusals(const std::vector<NotedRefusal>& refusals);
    Result<std::optional<NotedRefusal>> last_refusal(std::string_view tenant,
                                                     std::string_view device);

    // Of each, its time and text count; the registry keeps the first time, and how often it was.
    Status note_clones(const std::vector<NotedClone>& clones);
    Result<std::optional<NotedClone>> clone(std::string_view tenant, std::string_view device);

 private:
    Result<std::vector<std::string>> authorities_in(const char* sql, std::string_view tenant);
    Status read_other_authorities(Tenant& tenant);
    explicit Registry(SqliteDatabase database) : database_{std::move(database)} {}

    SqliteDatabase database_;
    SqliteStatement find_;  // asked at every handshake
};

}  // namespace longhaul::collector
