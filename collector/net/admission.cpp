#include "collector/net/admission.hpp"

namespace longhaul::collector {

Result<std::unique_ptr<Admission>, Message> Admission::make(std::string environment,
                                                            Registry& registry) {
    std::unique_ptr<Admission> admission{new Admission{std::move(environment), registry}};
    const auto tenants = registry.tenants();
    if (!tenants.ok()) return Message{"registry: " + to_string(tenants.error())};
    for (const Tenant& tenant : tenants.value()) {
        auto authority = Certificate::parse(as_bytes(tenant.authority_pem));
        if (!authority.ok()) {
            return Message{"registry: the certificate of tenant \"" + tenant.name +
                           "\" cannot be read"};
        }
        admission->authorities_.emplace(tenant.name, std::move(authority).value());
    }
    return admission;
}

Result<Admitted, Message> Admission::admit(const Certificate& certificate, Bytes authority_der) {
    const auto named = certificate.device_name();
    if (!named.ok()) return Message{to_string(named.error())};
    const DeviceName& name = named.value();
    const std::string who = "device \"" + name.device + "\" of tenant \"" + name.tenant + "\" ";
    if (name.environment != environment_) {
        return Message{who + "belongs to environment \"" + name.environment + "\", this is \"" +
                       environment_ + "\""};
    }
    const auto authority = authorities_.find(name.tenant);
    if (authority == authorities_.end())
        return Message{"tenant \"" + name.tenant + "\" is not registered"};
    if (!equal(authority->second.der(), authority_der)) {
        return Message{who + "has a certificate of another tenant's authority"};
    }
    const auto state = registry_.find(name.tenant, name.device);
    if (!state.ok()) return Message{"registry: " + to_string(state.error())};
    if (state.value() == DeviceState::revoked) return Message{who + "is revoked"};
    if (state.value() != DeviceState::allowed) return Message{who + "is not registered"};
    return Admitted{name, &authority->second};
}

}  // namespace longhaul::collector
