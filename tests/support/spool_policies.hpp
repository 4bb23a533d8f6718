// Policies of spools that tests want.
#pragma once

#include "agent/core/spool_policy.hpp"

namespace longhaul::test {

// All classes share the bytes and have the same rule.
inline agent::SpoolPolicy when_full(agent::WhenFull rule, std::uint64_t bytes_max) {
    agent::SpoolPolicy policy;
    policy.bytes_max = bytes_max;
    policy.classes.fill({0, rule});
    return policy;
}
inline agent::SpoolPolicy stop_at(std::uint64_t bytes_max) {
    return when_full(agent::WhenFull::stop, bytes_max);
}

}  // namespace longhaul::test
