// What the devices of a tenant may use of a collector, all together.
#pragma once

#include <cstdint>

namespace longhaul::collector {

struct TenantLimits {  // 0: no limit
    std::uint64_t connections = 0;
    std::uint64_t bytes_per_second = 0;
    std::uint64_t bytes_per_day = 0;  // of UTC
    std::uint64_t handshakes_per_second = 0;

    bool operator==(const TenantLimits&) const = default;
};

}  // namespace longhaul::collector
