// Who may open a session: asked after every handshake, so that a device that was taken off the
// registry stays out from its next connection on.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "collector/net/refusals.hpp"
#include "collector/registry/certificate.hpp"
#include "collector/registry/registry.hpp"

namespace longhaul::collector {

struct Admitted {
    DeviceName name;
    // Of its tenant, older ones too; as long as the Admission lives.
    std::span<const Certificate> authorities;
};

class Admission {
 public:
    // Reads the tenants once; devices are looked up when they come. The registry outlives it.
    static Result<std::unique_ptr<Admission>, Message> make(std::string environment,
                                                            Registry& registry);

    // `authority_der`: who issued the certificate, as the handshake traced it.
    Result<Admitted, Refusal> admit(const DeviceName& name, Bytes authority_der);

 private:
    Admission(std::string environment, Registry& registry)
        : environment_{std::move(environment)}, registry_{registry} {}

    std::string environment_;
    Registry& registry_;
    std::map<std::string, std::vector<Certificate>, std::less<>> authorities_;  // by tenant
};

}  // namespace longhaul::collector
