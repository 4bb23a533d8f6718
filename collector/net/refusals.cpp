#include "collector/net/refusals.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace longhaul::collector {

const char* name_of(RefusalReason reason) {
    static constexpr std::array<const char*, refusal_reason_count> names{
        "connections", "handshake",   "handshake_deadline",
        "application", "certificate", "environment",
        "tenant",      "authority",   "unknown_device",
        "revoked",     "protocol",    "registry",
        "expired",     "handshakes",  "enrolment"};
    return names[static_cast<std::size_t>(reason)];
}

void RefusalNotes::add(NotedRefusal note) {
    const std::lock_guard lock{mutex_};
    const auto known = std::find_if(notes_.begin(), notes_.end(), [&](const NotedRefusal& each) {
        return each.tenant == note.tenant && each.device == note.device;
    });
    if (known != notes_.end()) {
        *known = std::move(note);
    } else if (notes_.size() < notes_max) {
        notes_.push_back(std::move(note));
    }
}

std::vector<NotedRefusal> RefusalNotes::take() {
    const std::lock_guard lock{mutex_};
    return std::exchange(notes_, {});
}

}  // namespace longhaul::collector
