#include "collector/net/admission.hpp"

#include <algorithm>
#include <iterator>

namespace longhaul::collector {
namespace {

Result<std::vector<Certificate>, Message> certificates(const Tenant& tenant,
                                                       const std::vector<std::string>& pems) {
    std::vector<Certificate> all;
    for (const std::string& pem : pems) {
        auto certificate = Certificate::parse(as_bytes(pem));
        if (!certificate.ok()) {
            return Message{"registry: the certificate of tenant \"" + tenant.name +
                           "\" cannot be read"};
        }
        all.push_back(std::move(certificate).value());
    }
    return all;
}

bool issued_by_one_of(const Certificate& certificate, const std::vector<Certificate>& authorities) {
    return std::any_of(authorities.begin(), authorities.end(), [&](const Certificate& authority) {
        return certificate.issued_by(authority).ok();
    });
}

}  // namespace

Result<std::unique_ptr<Admission>, Message> Admission::make(std::string environment,
                                                            Registry& registry) {
    std::unique_ptr<Admission> admission{new Admission{std::move(environment), registry}};
    const auto tenants = registry.tenants();
    if (!tenants.ok()) return Message{"registry: " + to_string(tenants.error())};
    for (const Tenant& tenant : tenants.value()) {
        std::vector<std::string> own = tenant.older_pem;
        own.push_back(tenant.authority_pem);
        LH_TRY_ASSIGN(std::vector<Certificate> accepted, certificates(tenant, own));
        LH_TRY_ASSIGN(std::vector<Certificate> enrolment,
                      certificates(tenant, tenant.enrolment_pem));
        LH_TRY_ASSIGN(std::vector<Certificate> cut_off, certificates(tenant, tenant.cut_off_pem));
        Authorities& authorities = admission->authorities_[tenant.name];
        for (const Certificate& each : accepted) authorities.hashes.push_back(sha256(each.der()));
        // One below an authority that was cut off went with it.
        for (const Certificate& each : enrolment)
            if (issued_by_one_of(each, accepted)) authorities.hashes.push_back(sha256(each.der()));
        for (auto* all : {&accepted, &enrolment, &cut_off})
            std::move(all->begin(), all->end(), std::back_inserter(authorities.certificates));
    }
    return admission;
}

Status Admission::drop_what_is_gone() {
    const auto now = make(environment_, registry_);
    if (!now.ok()) return Error{ErrorCode::io, "the authorities cannot be read"};
    for (auto& [tenant, authorities] : authorities_) {
        const auto listed = now.value()->authorities_.find(tenant);
        std::erase_if(authorities.hashes, [&](const Sha256& hash) {
            if (listed == now.value()->authorities_.end()) return true;
            const auto& hashes = listed->second.hashes;
            return std::find(hashes.begin(), hashes.end(), hash) == hashes.end();
        });
    }
    return {};
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
