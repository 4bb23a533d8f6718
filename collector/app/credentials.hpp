// What a collector needs to know before it touches journal and lake: who it is, whom it lets in,
// and the keys that open blocks. `longhaul-collector check` stops here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "collector/app/config.hpp"
#include "collector/net/gateway.hpp"
#include "collector/writer/key_ring.hpp"

namespace longhaul::collector {

struct Credentials {
    std::shared_ptr<const Entrance> entrance;
    std::unique_ptr<KeyRing> keys;
    Sha256 certificate{};  // of the server's certificate
    WallUs certificate_expires;
    std::vector<Tenant> tenants;
    std::vector<std::string> findings;  // sentences for a person
};

// `now` is compared with the dates of the certificates.
Result<Credentials, Message> open_credentials(const CollectorConfig& config, WallUs now);

}  // namespace longhaul::collector
