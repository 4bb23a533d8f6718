#include "collector/net/admission.hpp"

#include <algorithm>

namespace longhaul::collector {

Result<std::unique_ptr<Admission>, Message> Admission::make(std::string environment,
                                                            Registry& registry) {
    std::unique_ptr<Admission> admission{new Admission{std::move(environment), registry}};
    const auto tenants = registry.tenants();
    if (!tenants.ok()) return Message{"registry: " + to_string(tenants.error())};
    for (const Tenant& tenant : tenants.value()) {
        std::vector<std::string> certificates = tenant.older_pem;
        certificates.push_back(tenant.authority_pem);
        const std::size_t accepted = certificates.size();
        certificates.insert(certificates.end(), tenant.cut_off_pem.begin(),
                            tenant.cut_off_pem.end());
        for (const std::string& pem : certificates) {
            auto authority = Certificate::parse(as_bytes(pem));
            if (!authority.ok()) {
                return Message{"registry: the certificate of tenant \"" + tenant.name +
                               "\" cannot be read"};
            }
            Authorities& authorities = admission->authorities_[tenant.name];
            if (authorities.certificates.size() < accepted)
                authorities.hashes.push_back(sha256(authority.value().der()));
            authorities.certificates.push_back(std::move(authority).value());
        }
    }
    return admission;
}

Result<Admitted, Refusal> Admission::admit(const PeerIdentity& who) {
    if (auto refusal = objection(who)) return *std::move(refusal);
    return Admitted{who.name, authorities_.find(who.name.tenant)->second.certificates};
}

std::optional<Refusal> Admission::objection(const PeerIdentity& who) {
    const DeviceName& name = who.name;
    const auto authorities = authorities_.find(name.tenant);
    const auto refuse = [&name](RefusalReason reason, const std::string& text) {
        return Refusal{reason,
                       "device \"" + name.device + "\" of tenant \"" + name.tenant + "\" " + text};
    };
    if (name.environment != environment_) {
        return refuse(RefusalReason::environment, "belongs to environment \"" + name.environment +
                                                      "\", this is \"" + environment_ + "\"");
    }
    if (authorities == authorities_.end()) {
        return Refusal{RefusalReason::tenant, "tenant \"" + name.tenant + "\" is not registered"};
    }
    const std::vector<Sha256>& hashes = authorities->second.hashes;
    if (std::find(hashes.begin(), hashes.end(), who.authority) == hashes.end())
        return refuse(RefusalReason::authority, "has a certificate of another tenant's authority");
    const auto state = registry_.find(name.tenant, name.device);
    if (!state.ok())
        return Refusal{RefusalReason::registry, "registry: " + to_string(state.error())};
    if (state.value() == DeviceState::revoked) return refuse(RefusalReason::revoked, "is revoked");
    if (state.value() != DeviceState::allowed)
        return refuse(RefusalReason::unknown_device, "is not registered");
    return std::nullopt;
}

}  // namespace longhaul::collector
