// What a collector needs to know before it touches journal and lake: who it is, whom it lets in,
// the keys that open blocks, and the models for devices.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "collector/app/config.hpp"
#include "collector/net/enrolment_listener.hpp"
#include "collector/net/gateway.hpp"
#include "collector/registry/model_shelf.hpp"
#include "collector/writer/key_ring.hpp"

namespace longhaul::collector {

struct Credentials {
    std::shared_ptr<const Entrance> entrance;
    std::unique_ptr<KeyRing> keys;       // of a gateway: empty
    std::set<SealingKeyId> sealing_ids;  // that devices may seal for
    std::unique_ptr<ModelShelf> models;
    std::shared_ptr<const EnrolmentEntrance> enrolment;  // without TLS if nobody enrols here
    Sha256 certificate{};                                // of the server's certificate
    WallUs certificate_expires;
    std::vector<Tenant> tenants;
};

// `now` is compared with the dates of the certificates.
Result<Credentials, Message> open_credentials(const CollectorConfig& config, WallUs now);

// What devices may seal for, as a gateway finds it; there must be no key that opens.
Result<std::set<SealingKeyId>, Message> sealing_ids_of_gateway(const CollectorConfig& config);

// Says which file beside them fits, when the key is not the certificate's.
Result<void, Message> check_pair(const std::string& certificate_path,
                                 const Certificate& certificate, const std::string& key_path,
                                 std::string_view key_pem);

// Whether a certificate may be used now; the message says what to do.
inline constexpr std::int64_t expiry_warning_days = 14;
Result<void, Message> check_dates(const std::string& path, const Certificate& certificate,
                                  WallUs now);

}  // namespace longhaul::collector
