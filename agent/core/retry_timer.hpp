// When to connect again: full jitter, random(0, min(15 min, 1 s * 2^n)). n survives a reboot in the
// spool, so a fleet whose power returns does not come back as one.
#pragma once

#include "agent/core/spool.hpp"
#include "agent/port/entropy.hpp"
#include "common/base/time.hpp"

namespace longhaul::agent {

class RetryTimer {
 public:
    static constexpr std::int64_t delay_ms_min = 1000;
    static constexpr std::int64_t delay_ms_max = 15 * 60 * 1000;

    // Reads n from the spool.
    RetryTimer(Spool& spool, Entropy& entropy);

    // The upper bound of the next delay.
    std::int64_t delay_ms_bound() const;
    // A fresh random delay up to the bound.
    std::int64_t delay_ms();
    void failed();
    void succeeded();
    std::uint8_t failures() const { return failures_; }

 private:
    void set(std::uint8_t failures);

    Spool& spool_;
    Entropy& entropy_;
    std::uint8_t failures_ = 0;
};

}  // namespace longhaul::agent
