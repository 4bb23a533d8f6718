// Where the devices of `longhaul-sim fleet` belong: an authority that lets them in, a collector
// that they connect to, a lake in which their rows have to be found.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/block/crypto.hpp"
#include "firmware-sim/world/authority.hpp"
#include "tools/longhaul/authority.hpp"

namespace longhaul::sim {

struct FleetPlace {
    std::string folder;     // of the authority, as `longhaul ca init` makes it
    std::string tenant;     // the devices'
    std::string collector;  // host:port; empty: as the authority's folder says
};

// Who a device is; the same key twice, since TLS does not take the one and epoch records are not
// signed with the other.
struct FleetIdentity {
    std::string name;
    DeviceIdentity identity;
    KeyHandle key = 0;  // forgotten by the device
};

class FleetSite {
 public:
    using Progress = std::function<void(std::size_t made)>;

    static Result<FleetSite, Message> open(const FleetPlace& place);

    const std::string& environment() const { return authority_.environment; }
    const std::string& tenant() const { return place_.tenant; }
    const std::string& collector() const { return place_.collector; }
    const std::string& server_name() const { return authority_.server_name; }
    const std::string& lake() const { return lake_; }  // path
    const PublicKey& sealing_key() const { return sealing_key_; }
    Bytes root_pem() const { return root_pem_; }
    Bytes issuer_der() const { return issuer_der_; }

    // Whether somebody listens at the collector's address; the message says what to do.
    Result<void, Message> reach() const;
    // New keys and certificates of the tenant's authority for <prefix>-0, <prefix>-1, …; the
    // registry lets them in.
    Result<std::vector<FleetIdentity>, Message> make_identities(const std::string& prefix,
                                                                std::size_t count, WallUs now,
                                                                const Progress& progress) const;

 private:
    FleetSite() = default;
    Result<FleetIdentity, Message> make_identity(const std::string& name, WallUs now) const;

    FleetPlace place_;
    tools::Authority authority_;
    std::string lake_;
    PublicKey sealing_key_{};
    std::vector<std::byte> root_pem_;  // with a zero byte behind it
    std::vector<std::byte> issuer_der_;
};

}  // namespace longhaul::sim
