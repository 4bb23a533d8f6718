#include "tools/longhaul/device_registry.hpp"

#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <functional>

#include "collector/registry/certificate.hpp"
#include "common/base/civil_time.hpp"
#include "common/host/config.hpp"
#include "common/host/exit_codes.hpp"
#include "tools/longhaul/collector_files.hpp"
#include "tools/longhaul/trail_command.hpp"

namespace longhaul::tools {

using collector::DeviceState;
using collector::NotedClone;
using collector::NotedRefusal;
using collector::Registry;
using collector::Tenant;
using collector::TenantLimits;

namespace {

struct Device {
    std::string tenant;
    std::string name;
};

const char* name_of(DeviceState state) {
    switch (state) {
        case DeviceState::allowed:
            return "allowed";
        case DeviceState::revoked:
            return "revoked";
        case DeviceState::unknown:
            break;
    }
    return "unknown";
}

struct DeviceEntry {
    Device device;
    DeviceState state = DeviceState::unknown;
    std::optional<WallUs> expires;
    std::optional<NotedRefusal> refusal;
    std::optional<NotedClone> clone;
};

// A registry with its tenants, and what is asked of it.
class Site {
 public:
    static Result<Site, Message> open(const std::string& path, const RegistryOptions& options) {
        LH_TRY_ASSIGN(std::unique_ptr<Registry> registry, open_registry(path));
        auto tenants = registry->tenants();
        if (!tenants.ok()) return Message{path + ": " + to_string(tenants.error())};
        Site site{path, std::move(registry)};
        for (Tenant& tenant : tenants.value())
            if (options.tenant.empty() || options.tenant == tenant.name)
                site.tenants_.push_back(std::move(tenant));
        if (!options.tenant.empty() && site.tenants_.empty())
            return Message{"there is no tenant \"" + options.tenant + "\""};
        return site;
    }
    const std::string& path() const { return path_; }
    const std::vector<Tenant>& tenants() const { return tenants_; }
    Registry& registry() { return *registry_; }

    Result<std::vector<std::string>, Message> devices(const Tenant& tenant) {
        auto names = registry_->devices(tenant.name);
        if (!names.ok()) return problem(names.error());
        return std::move(names).value();
    }
    Result<DeviceEntry, Message> entry(const Device& device) {
        const auto state = registry_->find(device.tenant, device.name);
        if (!state.ok()) return problem(state.error());
        const auto expires = registry_->expiry(device.tenant, device.name);
        if (!expires.ok()) return problem(expires.error());
        const auto refusal = registry_->last_refusal(device.tenant, device.name);
        if (!refusal.ok()) return problem(refusal.error());
        const auto clone = registry_->clone(device.tenant, device.name);
        if (!clone.ok()) return problem(clone.error());
        return DeviceEntry{device, state.value(), expires.value(), refusal.value(), clone.value()};
    }
    // "bus-1" when one tenant only has it, or "acme/bus-1".
    Result<Device, Message> find(const std::string& name) {
        const std::size_t slash = name.find('/');
        const std::string own = slash == std::string::npos ? name : name.substr(slash + 1);
        std::vector<std::string> known;
        std::vector<Device> found;
        for (const Tenant& tenant : tenants_) {
            if (slash != std::string::npos && name.substr(0, slash) != tenant.name) continue;
            const auto state = registry_->find(tenant.name, own);
            if (!state.ok()) return problem(state.error());
            if (state.value() != DeviceState::unknown) {
                found.push_back({tenant.name, own});
                continue;
            }
            LH_TRY_ASSIGN(const auto names, devices(tenant));
            known.insert(known.end(), names.begin(), names.end());
        }
        if (found.size() == 1) return found.front();
        if (found.size() > 1) {
            return Message{name + ": several tenants have a device of this name; say " +
                           found[0].tenant + "/" + own + " or " + found[1].tenant + "/" + own};
        }
        const std::string meant{nearest(own, {known.begin(), known.end()})};
        return Message{name + ": is not registered" +
                       (meant.empty() ? "; `longhaul device add` makes a device"
                                      : "; did you mean \"" + meant + "\"?")};
    }

    Message problem(const Error& error) const { return {path_ + ": " + to_string(error)}; }

 private:
    Site(std::string path, std::unique_ptr<Registry> registry)
        : path_{std::move(path)}, registry_{std::move(registry)} {}

    std::string path_;
    std::unique_ptr<Registry> registry_;
    std::vector<Tenant> tenants_;
};

std::string certificate_text(const DeviceEntry& entry, WallUs now) {
    if (!entry.expires) return "certificate's end not known";
    return std::string{*entry.expires < now ? "certificate EXPIRED on " : "certificate until "} +
           date_text(*entry.expires);
}

boost::json::object json_of(const DeviceEntry& entry, bool whole) {
    boost::json::object all{{"tenant", entry.device.tenant},
                            {"device", entry.device.name},
                            {"state", name_of(entry.state)}};
    all["certificate_expires"] = nullptr;
    if (entry.expires) all["certificate_expires"] = timestamp_text_ms(*entry.expires);
    if (!whole) return all;
    all["refusal"] = nullptr;
    if (entry.refusal) {
        all["refusal"] = {{"time", timestamp_text_ms(entry.refusal->time)},
                          {"reason", entry.refusal->reason},
                          {"text", entry.refusal->text}};
    }
    all["clone"] = nullptr;
    if (entry.clone) {
        all["clone"] = {{"first", timestamp_text_ms(entry.clone->first)},
                        {"last", timestamp_text_ms(entry.clone->time)},
                        {"times", entry.clone->times},
                        {"text", entry.clone->text}};
    }
    return all;
}

void print(const boost::json::object& object) {
    std::printf("%s\n", boost::json::serialize(object).c_str());
}

void print(const DeviceEntry& entry, WallUs now, bool whole) {
    std::printf("%s/%s  %s  %s\n", entry.device.tenant.c_str(), entry.device.name.c_str(),
                name_of(entry.state), certificate_text(entry, now).c_str());
    if (!whole) return;
    if (!entry.refusal) {
        std::printf("  never refused, as far as is known\n");
    } else {
        std::printf("  refused on %s: %s\n", timestamp_text_ms(entry.refusal->time).c_str(),
                    entry.refusal->text.c_str());
    }
    if (!entry.clone) return;
    std::printf("  CLONED, seen %lld times since %s, last on %s: %s\n",
                static_cast<long long>(entry.clone->times),
                timestamp_text_ms(entry.clone->first).c_str(),
                timestamp_text_ms(entry.clone->time).c_str(), entry.clone->text.c_str());
    std::printf(
        "  `longhaul device revoke` keeps both out; the device needs a new key under a new name\n");
}

struct Limit {
    const char* word;  // of JSON
    const char* text;
    std::uint64_t TenantLimits::* value;
};
constexpr std::array<Limit, 4> all_limits{{
    {"connections", "connections", &TenantLimits::connections},
    {"bytes_per_second", "bytes a second", &TenantLimits::bytes_per_second},
    {"bytes_per_day", "bytes a day", &TenantLimits::bytes_per_day},
    {"handshakes_per_second", "handshakes a second", &TenantLimits::handshakes_per_second},
}};

std::string limits_text(const TenantLimits& limits) {
    std::string text;
    for (const Limit& each : all_limits) {
        if (limits.*each.value == 0) continue;
        text += (text.empty() ? "" : ", ") + std::to_string(limits.*each.value) + " " + each.text;
    }
    return text.empty() ? "no limits" : "at most " + text;
}

boost::json::object json_of(const TenantLimits& limits) {
    boost::json::object all;
    for (const Limit& each : all_limits) {
        all[each.word] = nullptr;
        if (limits.*each.value != 0) all[each.word] = limits.*each.value;
    }
    return all;
}

// Every command begins so; the configuration has an exit code of its own.
using Work = std::function<Result<int, Message>(Site&)>;
Result<int, Message> at_site(const RegistryOptions& options, const Work& work) {
    const auto path = registry_path(options.config);
    if (!path.ok()) {
        std::fprintf(stderr, "longhaul: %s\n", path.error().text.c_str());
        return exit_configuration;
    }
    LH_TRY_ASSIGN(Site site, Site::open(path.value(), options));
    return work(site);
}

// Adds a fact for each device that was changed, also when the next one cannot be.
Result<void, Message> change_all(Site& site, const RegistryOptions& options, bool allow,
                                 const std::vector<Device>& devices,
                                 std::vector<collector::TrailFact>& facts) {
    const char* const what = allow ? "allowed" : "revoked";
    for (const Device& device : devices) {
        const Status done = allow ? site.registry().allow(device.tenant, {device.name})
                                  : site.registry().revoke(device.tenant, device.name);
        if (!done.ok()) return site.problem(done.error());
        facts.push_back(fact(device.tenant, what, device.name, options.why, options.now));
        std::printf("%s/%s  %s\n", device.tenant.c_str(), device.name.c_str(), what);
    }
    return {};
}

// Devices are looked up before anything is changed.
Result<int, Message> change(const RegistryOptions& options, bool allow) {
    return at_site(options, [&](Site& site) -> Result<int, Message> {
        std::vector<Device> devices;
        for (const std::string& name : options.names) {
            LH_TRY_ASSIGN(Device device, site.find(name));
            devices.push_back(std::move(device));
        }
        std::vector<collector::TrailFact> facts;
        const auto changed = change_all(site, options, allow, devices, facts);
        LH_TRY(note_after(changed, site.path(), facts));
        return exit_done;
    });
}

}  // namespace

Result<int, Message> list_tenants(const RegistryOptions& options) {
    return at_site(options, [&](Site& site) -> Result<int, Message> {
        auto limits = site.registry().limits();
        if (!limits.ok()) return site.problem(limits.error());
        boost::json::array all;
        for (const Tenant& tenant : site.tenants()) {
            LH_TRY_ASSIGN(const auto devices, site.devices(tenant));
            const auto authority = collector::Certificate::parse(as_bytes(tenant.authority_pem));
            const std::string until =
                authority.ok() ? date_text(authority.value().not_after()) : "?";
            all.push_back({{"tenant", tenant.name},
                           {"devices", devices.size()},
                           {"authority_expires", until},
                           {"older_authorities", tenant.older_pem.size()},
                           {"limits", json_of(limits.value()[tenant.name])}});
            if (options.json) continue;
            std::printf("%s  %zu devices  authority until %s  older authorities: %zu  %s\n",
                        tenant.name.c_str(), devices.size(), until.c_str(), tenant.older_pem.size(),
                        limits_text(limits.value()[tenant.name]).c_str());
        }
        if (options.json) print({{"tenants", std::move(all)}});
        return exit_done;
    });
}

Result<int, Message> limit_tenant(const LimitRequest& request) {
    const RegistryOptions& options = request.where;
    return at_site(options, [&](Site& site) -> Result<int, Message> {
        auto known = site.registry().limits();
        if (!known.ok()) return site.problem(known.error());
        TenantLimits limits = known.value()[options.tenant];
        const std::array<std::optional<std::uint64_t>, all_limits.size()> wanted{
            request.connections, request.bytes_per_second, request.bytes_per_day,
            request.handshakes_per_second};
        for (std::size_t i = 0; i < wanted.size(); ++i)
            if (wanted[i]) limits.*all_limits[i].value = *wanted[i];
        const Status set = site.registry().set_limits(options.tenant, limits);
        if (!set.ok()) return site.problem(set.error());
        const std::string text = limits_text(limits);
        std::printf("%s  %s; a running collector takes it over within ten seconds\n",
                    options.tenant.c_str(), text.c_str());
        LH_TRY(note(site.path(),
                    {fact(options.tenant, "limited", options.tenant, text, options.now)}));
        return exit_done;
    });
}

Result<int, Message> cut_off_older(const RegistryOptions& options) {
    return at_site(options, [&](Site& site) -> Result<int, Message> {
        const auto count = site.registry().cut_off_older(options.tenant);
        if (!count.ok()) return site.problem(count.error());
        std::printf(
            "%s  %lld older authorities are cut off; a running collector ends their sessions "
            "within a minute\n",
            options.tenant.c_str(), static_cast<long long>(count.value()));
        if (count.value() == 0) return exit_done;
        LH_TRY(note(site.path(), {fact(options.tenant, "cut_off",
                                       std::to_string(count.value()) + " older authorities",
                                       options.why, options.now)}));
        return exit_done;
    });
}

Result<int, Message> list_devices(const RegistryOptions& options) {
    return at_site(options, [&](Site& site) -> Result<int, Message> {
        boost::json::array all;
        for (const Tenant& tenant : site.tenants()) {
            LH_TRY_ASSIGN(const auto names, site.devices(tenant));
            for (const std::string& name : names) {
                LH_TRY_ASSIGN(const DeviceEntry entry, site.entry({tenant.name, name}));
                if (options.json)
                    all.push_back(json_of(entry, false));
                else
                    print(entry, options.now, false);
            }
        }
        if (options.json) print({{"devices", std::move(all)}});
        return exit_done;
    });
}

Result<int, Message> show_devices(const RegistryOptions& options) {
    return at_site(options, [&](Site& site) -> Result<int, Message> {
        for (const std::string& name : options.names) {
            LH_TRY_ASSIGN(const Device device, site.find(name));
            LH_TRY_ASSIGN(const DeviceEntry entry, site.entry(device));
            if (options.json)
                print(json_of(entry, true));
            else
                print(entry, options.now, true);
        }
        return exit_done;
    });
}

Result<int, Message> revoke_devices(const RegistryOptions& options) {
    return change(options, false);
}
Result<int, Message> allow_devices(const RegistryOptions& options) { return change(options, true); }

}  // namespace longhaul::tools
