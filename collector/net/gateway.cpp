#include "collector/net/gateway.hpp"

#include "collector/net/clock.hpp"

namespace longhaul::collector {
namespace {

// Before these, the certificate's issuer has been compared with the tenant's authority. What comes
// earlier could be anybody's, and belongs into the site's trail.
bool is_the_tenants_own(RefusalReason reason) {
    return reason == RefusalReason::unknown_device || reason == RefusalReason::revoked ||
           reason == RefusalReason::protocol || reason == RefusalReason::tenant_connections ||
           reason == RefusalReason::tenant_handshakes;
}

TrailFact fact_of(const std::string& peer, const DeviceName* device, const Refusal& refusal) {
    const bool own = device != nullptr && is_the_tenants_own(refusal.reason);
    const std::string who = device == nullptr ? "" : device->tenant + "/" + device->device + " ";
    return {own ? device->tenant : "", wall_now(),  "collector", "refused",
            who + "from " + peer,      refusal.text};
}

}  // namespace

void Gateway::refuse(const std::string& peer, const DeviceName* device, const Refusal& refusal) {
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

void Gateway::look_at_disk(std::uint64_t free_bytes) {
    const bool before = intake.disk_short();
    // A quarter more before it opens, so that the last megabyte does not do it every second.
    const std::uint64_t needed = disk_reserve_bytes + (before ? disk_reserve_bytes / 4 : 0);
    if ((free_bytes < needed) == before) return;
    intake.set_disk_short(!before);
    if (before) {
        log.info("the journal has room again, devices may send", {{"free_bytes", free_bytes}});
    } else {
        log.warn("the journal's disk runs short, devices wait until there is room",
                 {{"free_bytes", free_bytes}, {"needed_bytes", needed}});
    }
}

void Gateway::tell_clone(const DeviceName& device, CloneSign sign, const std::string& one,
                         const std::string& other) {
    ++counters.clones;
    const std::string name = device.tenant + "/" + device.device;
    const char* const seen = sign == CloneSign::in_turn
                                 ? "two of it come again and again in turn, from "
                                 : "two sessions of it go on at the same time, from ";
    const std::string text = seen + one + " and " + other + ": somebody else has its key";
    trail.add({device.tenant, wall_now(), "collector", "cloned", name, text}, "", monotonic_now());
    clone_notes.add({device.tenant, device.device, wall_now(), text});
    if (refusal_lines.take(monotonic_now().value))
        log.error("a device is there twice", {{"device", name}, {"text", text}});
}

}  // namespace longhaul::collector
