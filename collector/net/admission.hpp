// Who may open a session: asked after every handshake, a full one or a resumption, so that a device
// that was taken off the registry stays out from its next connection on.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collector/net/refusals.hpp"
#include "collector/net/ticket.hpp"
#include "collector/registry/registry.hpp"

namespace longhaul::collector {

struct Admitted {
    DeviceName name;
    // Of its tenant, older ones too, and those that are cut off: they vouch for what was signed
    // before. As long as the Admission lives.
    std::span<const Certificate> authorities;
};

class Admission {
 public:
    // Reads the tenants once; devices are looked up when they come. The registry outlives it.
    static Result<std::unique_ptr<Admission>, Message> make(std::string environment,
                                                            Registry& registry);

    Result<Admitted, Refusal> admit(const PeerIdentity& who);
    // Takes those authorities away that the registry lists no more. New ones need another
    // Admission, and a TLS that knows them.
    Status drop_what_is_gone();
    // Why this device may not come in, or stay; nothing: it may.
    std::optional<Refusal> objection(const PeerIdentity& who);

 private:
    Admission(std::string environment, Registry& registry)
        : environment_{std::move(environment)}, registry_{registry} {}

    std::string environment_;
    Registry& registry_;
    struct Authorities {
        std::vector<Certificate> certificates;
        std::vector<Sha256> hashes;  // of those that devices may come in by
    };
    std::map<std::string, Authorities, std::less<>> authorities_;  // by tenant
};

}  // namespace longhaul::collector
