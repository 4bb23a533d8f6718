// What a collector needs to know before it touches journal and lake: who it is, whom it lets in,
// and the keys that open blocks. `longhaul-collector check` stops here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "collector/app/config.hpp"
#include "collector/net/admission.hpp"
#include "collector/net/tls.hpp"
#include "collector/writer/key_ring.hpp"

namespace longhaul::collector {

struct Credentials {
    std::unique_ptr<Registry> registry;
    std::unique_ptr<Admission> admission;
    std::unique_ptr<TlsContext> tls;
    KeyRing keys;
    std::vector<std::string> findings;  // sentences for a person
};

// `now` is compared with the dates of the certificates.
Result<Credentials, Message> open_credentials(const CollectorConfig& config, WallUs now);

}  // namespace longhaul::collector
