#include "collector/net/gateway.hpp"

#include "collector/net/clock.hpp"

namespace longhaul::collector {

void Gateway::refuse(const std::string& peer, const DeviceName* device, const Refusal& refusal) {
    ++counters.refused;
    ++counters.refused_by[static_cast<std::size_t>(refusal.reason)];
    const char* const reason = name_of(refusal.reason);
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
