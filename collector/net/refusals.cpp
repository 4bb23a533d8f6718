#include "collector/net/refusals.hpp"

#include <array>

namespace longhaul::collector {

const char* name_of(RefusalReason reason) {
    static constexpr std::array<const char*, refusal_reason_count> names{"connections",
                                                                         "handshake",
                                                                         "handshake_deadline",
                                                                         "application",
                                                                         "certificate",
                                                                         "environment",
                                                                         "tenant",
                                                                         "authority",
                                                                         "unknown_device",
                                                                         "revoked",
                                                                         "protocol",
                                                                         "registry",
                                                                         "expired",
                                                                         "handshakes",
                                                                         "tenant_connections",
                                                                         "tenant_handshakes",
                                                                         "enrolment"};
    return names[static_cast<std::size_t>(reason)];
}

}  // namespace longhaul::collector
