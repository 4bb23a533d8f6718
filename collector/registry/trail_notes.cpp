#include "collector/registry/trail_notes.hpp"

#include <algorithm>
#include <utility>

namespace longhaul::collector {

void TrailNotes::Allowance::refill(MonotonicMs now) {
    const std::int64_t gained = std::max<std::int64_t>(0, now - counted_at) / ms_per_line;
    counted_at = counted_at + gained * ms_per_line;
    lines = gained >= burst - lines ? burst : lines + gained;
}

void TrailNotes::add(TrailFact fact, const std::string& reason, MonotonicMs now) {
    const std::lock_guard lock{mutex_};
    const Kind kind{fact.tenant, fact.what, reason};
    if (kinds_.size() >= kinds_max && !kinds_.contains(kind)) return;
    const auto [at, is_new] = kinds_.try_emplace(kind);
    Allowance& allowance = at->second;
    if (is_new) allowance.counted_at = now;
    allowance.refill(now);
    if (allowance.lines == 0) {
        ++allowance.left_out;
        return;
    }
    --allowance.lines;
    if (!reason.empty()) fact.why = fact.why.empty() ? reason : reason + ": " + fact.why;
    facts_.push_back(std::move(fact));
}

void TrailNotes::add_always(TrailFact fact) {
    const std::lock_guard lock{mutex_};
    facts_.push_back(std::move(fact));
}

std::vector<TrailFact> TrailNotes::take(WallUs time, MonotonicMs now, bool all) {
    const std::lock_guard lock{mutex_};
    std::vector<TrailFact> facts = std::exchange(facts_, {});
    for (auto& [kind, allowance] : kinds_) {
        if (allowance.left_out == 0) continue;
        allowance.refill(now);
        if (allowance.lines == 0 && !all) continue;
        allowance.lines = std::max<std::int64_t>(0, allowance.lines - 1);
        const auto& [tenant, what, reason] = kind;
        const std::string count = std::to_string(std::exchange(allowance.left_out, 0));
        facts.push_back({tenant, time, "collector", "left_out", what,
                         count + " times without a line: " + reason});
    }
    return facts;
}

}  // namespace longhaul::collector
