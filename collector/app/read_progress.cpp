#include "collector/app/read_progress.hpp"

#include <algorithm>

namespace longhaul::collector {

void ReadProgress::at(std::uint64_t done, MonotonicMs now) {
    if (now < next_) return;
    next_ = now + every_ms;
    told_ = true;
    const auto passed_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(now - began_, 1));
    const std::uint64_t bytes_per_s = done * 1000 / passed_ms;
    const std::uint64_t left = bytes_ - std::min(done, bytes_);
    constexpr std::uint64_t mib = 1 << 20;
    if (bytes_per_s == 0) {
        log_.info(what_, {{"mib", done / mib}, {"of_mib", bytes_ / mib}});
        return;
    }
    log_.info(what_, {{"mib", done / mib},
                      {"of_mib", bytes_ / mib},
                      {"mib_per_s", bytes_per_s / mib},
                      {"left_s", left / bytes_per_s}});
}

void ReadProgress::end(MonotonicMs now) {
    if (!told_) return;
    next_ = now;
    at(bytes_, now);
}

}  // namespace longhaul::collector
