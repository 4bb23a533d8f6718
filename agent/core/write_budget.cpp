#include "agent/core/write_budget.hpp"

#include <algorithm>

namespace longhaul::agent {
namespace {

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::int64_t hours_a_day = 24;
// More than this is neither earned nor owed, so that no sum overflows: 40 GB.
constexpr std::int64_t bytes_max = 40'000'000'000;
constexpr std::int64_t soonest_ms = 3'600'000;  // the wear of less says little

}  // namespace

WriteBudget::WriteBudget(std::uint64_t bytes_per_day)
    : bytes_per_day_{static_cast<std::int64_t>(
          std::min(bytes_per_day, static_cast<std::uint64_t>(bytes_max * hours_a_day)))},
      burst_{std::max(bytes_per_day_ / hours_a_day, static_cast<std::int64_t>(burst_bytes_min)) *
             day_ms},
      credit_{burst_} {}

void WriteBudget::account(MonotonicMs now, std::uint64_t bytes_written) {
    if (!limits()) return;
    if (last_) {
        const std::int64_t full_ms = (burst_ - credit_) / bytes_per_day_;
        const std::int64_t elapsed_ms = now - *last_;
        credit_ = elapsed_ms > full_ms ? burst_ : credit_ + elapsed_ms * bytes_per_day_;
        const std::uint64_t spent = bytes_written - std::min(written_, bytes_written);
        credit_ -=
            static_cast<std::int64_t>(std::min(spent, static_cast<std::uint64_t>(bytes_max))) *
            day_ms;
        credit_ = std::max(credit_, -bytes_max * day_ms);
    }
    last_ = now;
    written_ = bytes_written;
    allowed_at_ = overdrawn() ? now + (bytes_per_day_ - 1 - credit_) / bytes_per_day_ : now;
}

std::optional<std::uint64_t> days_left(const SpoolWear& wear, std::uint64_t erases_before,
                                       std::int64_t elapsed_ms, std::uint32_t rated_erases) {
    const std::uint32_t sectors = wear.sectors - std::min(wear.sectors, wear.sectors_bad);
    if (sectors == 0 || wear.erases <= erases_before || elapsed_ms < soonest_ms)
        return std::nullopt;
    const std::uint64_t all = std::uint64_t{sectors} * rated_erases;
    const std::uint64_t left = all - std::min(all, wear.erases);
    // Minutes are exact enough, and nothing overflows.
    constexpr std::int64_t minute_ms = 60'000;
    constexpr std::uint64_t day_minutes = 1440;
    const auto minutes = static_cast<std::uint64_t>(elapsed_ms / minute_ms);
    const std::uint64_t erases = wear.erases - erases_before;
    return left / erases * minutes / day_minutes + left % erases * minutes / erases / day_minutes;
}

}  // namespace longhaul::agent
