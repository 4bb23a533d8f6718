// So many a second, and what was saved up in a quiet one: the time is an argument.
//
// More may be taken than is there; the debt is paid before there is anything again, so that the
// rate holds over time whatever was taken at once.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/base/time.hpp"

namespace longhaul::collector {

class TokenBucket {
 public:
    static constexpr std::int64_t per_second_max = 10'000'000'000;

    // Begins full when its rate changes from none.
    void set_rate(std::int64_t per_second, MonotonicMs now) {
        const bool is_new = per_second_ == 0;
        refill(now);
        per_second_ = std::min(per_second, per_second_max);
        level_ = is_new ? most() : std::min(level_, most());
    }
    bool limits() const { return per_second_ != 0; }

    std::int64_t level(MonotonicMs now) {
        refill(now);
        return level_ / scale;
    }
    void take(std::int64_t count, MonotonicMs now) {
        refill(now);
        if (limits()) level_ -= count * scale;
    }
    // When so much is there, if nothing is taken meanwhile.
    MonotonicMs when(std::int64_t level, MonotonicMs now) {
        refill(now);
        const std::int64_t lacking = level * scale - level_;
        if (lacking <= 0) return now;
        if (!limits()) return MonotonicMs::never();
        return now + (lacking + per_second_ - 1) / per_second_;
    }

 private:
    static constexpr std::int64_t scale = 1000;           // so that a millisecond counts exactly
    static constexpr std::int64_t pause_ms = 86'400'000;  // a longer one counts as so long

    std::int64_t most() const { return per_second_ * scale; }
    void refill(MonotonicMs now) {
        const std::int64_t passed_ms = std::clamp<std::int64_t>(now - refilled_at_, 0, pause_ms);
        refilled_at_ = std::max(refilled_at_, now);
        level_ = std::min(level_ + passed_ms * per_second_, most());
    }

    std::int64_t per_second_ = 0;  // 0: no limit, nothing is counted
    std::int64_t level_ = 0;
    MonotonicMs refilled_at_;
};

}  // namespace longhaul::collector
