// How much may be written to the storage: an allowance that builds up with time. Flash wears out,
// so a device may be told how many bytes a day it may spend.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/core/spool.hpp"
#include "common/base/time.hpp"

namespace longhaul::agent {

class WriteBudget {
 public:
    static constexpr std::uint64_t burst_bytes_min = 64 * 1024;

    // 0: no budget, never overdrawn. It begins with the allowance of one hour, 64 KiB at least,
    // which is also the most that builds up.
    explicit WriteBudget(std::uint64_t bytes_per_day);

    bool limits() const { return bytes_per_day_ != 0; }
    // So much was written up to now, counted from anywhere; the first call begins the account.
    void account(MonotonicMs now, std::uint64_t bytes_written);
    // More was written than the allowance allows.
    bool overdrawn() const { return credit_ < 0; }
    // When it is not overdrawn any more, if nothing else is written.
    MonotonicMs allowed_at() const { return allowed_at_; }

 private:
    std::int64_t bytes_per_day_;
    std::int64_t burst_;   // in bytes and milliseconds of a day, as the credit
    std::int64_t credit_;  // a byte is as many as a day has milliseconds
    std::optional<MonotonicMs> last_;
    std::uint64_t written_ = 0;
    MonotonicMs allowed_at_;
};

// For how many days the storage will last when it is erased as often as in the last `elapsed_ms`,
// in which the erases rose from `erases_before` to those of `wear`, and each sector stands
// `rated_erases`. None: the storage does not tell, or it is too early to say.
std::optional<std::uint64_t> days_left(const SpoolWear& wear, std::uint64_t erases_before,
                                       std::int64_t elapsed_ms, std::uint32_t rated_erases);

}  // namespace longhaul::agent
