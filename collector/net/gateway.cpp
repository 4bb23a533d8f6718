#include "collector/net/gateway.hpp"

#include "collector/net/clock.hpp"

namespace longhaul::collector {
namespace {

// Before these, the certificate's issuer has been compared with the tenant's authority. What comes
// earlier could be anybody's, and belongs into the site's trail.
bool is_the_tenants_own(RefusalReason reason) {
    return reason == RefusalReason::unknown_device || reason == RefusalReason::revoked ||
           reason == RefusalReason::protocol;
}

TrailFact fact_of(const std::string& peer, const DeviceName* device, const Refusal& refusal) {
    const bool own = device != nullptr && is_the_tenants_own(refusal.reason);
    const std::string who = device == nullptr ? "" : device->tenant + "/" + device->device + " ";
    return {own ? device->tenant : "", wall_now(),  "collector", "refused",
            who + "from " + peer,      refusal.text};
}

}  // namespace

void Gateway::refuse(const std::string& peer, const DeviceName* device, const Refusal& refusal) {
    ++counters.refused;
    ++counters.refused_by[static_cast<std::size_t>(refusal.reason)];
    const char* const reason = name_of(refusal.reason);
    trail.add(fact_of(peer, device, refusal), reason, monotonic_now());
    std::string name;
    if (device != nullptr) {
        name = device->tenant + "/" + device->device;
        refusals.add({device->tenant, device->device, wall_now(), reason, refusal.text});
    }
    if (!refusal_lines.take(monotonic_now().value)) return;
    if (const std::uint64_t left_out = refusal_lines.left_out(); left_out != 0)
        log.warn("refusals without a line of their own", {{"count", left_out}});
    if (name.empty()) {
        log.warn("refused", {{"peer", peer}, {"reason", reason}, {"text", refusal.text}});
    } else {
        log.warn("refused",
                 {{"peer", peer}, {"device", name}, {"reason", reason}, {"text", refusal.text}});
    }
}

}  // namespace longhaul::collector
