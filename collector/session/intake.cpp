#include "collector/session/intake.hpp"

#include <algorithm>

#include "common/wire/frame.hpp"

namespace longhaul::collector {
namespace {

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::int64_t ask_again_ms = 100;  // at least; sessions that wait are many
constexpr std::int64_t ask_for_disk_ms = 1000;
constexpr std::int64_t ask_at_last_ms = 10'000;  // limits may have been changed
// Room for one block is what a device needs; less than two would be asked for again with each
// block.
constexpr std::uint64_t step_bytes = 2 * frame_bytes_max;

}  // namespace

const char* name_of(CreditWait wait) {
    static constexpr std::array<const char*, credit_wait_count> names{"nothing", "quota", "disk",
                                                                      "memory"};
    return names[static_cast<std::size_t>(wait)];
}

void TenantIntake::set_limits(const TenantLimits& limits, MonotonicMs now) {
    if (limits == limits_) return;
    limits_ = limits;
    bytes_.set_rate(static_cast<std::int64_t>(limits.bytes_per_second), now);
    handshakes_.set_rate(static_cast<std::int64_t>(limits.handshakes_per_second), now);
}

bool TenantIntake::take_handshake(MonotonicMs now) {
    if (!handshakes_.limits()) return true;
    if (handshakes_.level(now) < 1) return false;
    handshakes_.take(1, now);
    return true;
}

bool TenantIntake::open_connection() {
    if (limits_.connections != 0 && connections_ >= limits_.connections) return false;
    ++connections_;
    return true;
}

void TenantIntake::took(std::uint64_t bytes, MonotonicMs now) {
    all_.under_way_ += bytes;
    bytes_.take(static_cast<std::int64_t>(bytes), now);
    count_taken(bytes, now);
}

void TenantIntake::made_durable(std::uint64_t bytes) { all_.under_way_ -= bytes; }

void TenantIntake::count_taken(std::uint64_t bytes, MonotonicMs now) {
    left_of_day(now);
    taken_today_ += bytes;
}

std::uint64_t TenantIntake::left_of_day(MonotonicMs now) {
    if (const std::int64_t today = all_.day(now); today != day_) {
        day_ = today;
        taken_today_ = 0;
    }
    if (limits_.bytes_per_day == 0) return UINT64_MAX;
    return limits_.bytes_per_day - std::min(limits_.bytes_per_day, taken_today_);
}

TenantIntake::Room TenantIntake::room(MonotonicMs now) {
    if (const CreditWait lacking = all_.lacking(); lacking != CreditWait::nothing)
        return {0, lacking};
    if (!bytes_.limits() && limits_.bytes_per_day == 0) return {UINT64_MAX, CreditWait::nothing};
    std::uint64_t left = left_of_day(now);
    if (bytes_.limits()) {
        const auto level = std::max<std::int64_t>(0, bytes_.level(now));
        left = std::min(left, static_cast<std::uint64_t>(level));
    }
    return {left == 0 ? 0 : std::max(left, step_bytes), CreditWait::quota};
}

MonotonicMs TenantIntake::opens_at(MonotonicMs now) {
    if (all_.disk_short_) return now + ask_for_disk_ms;
    const auto tenth = static_cast<std::int64_t>(limits_.bytes_per_second) / 10;
    MonotonicMs opens = now;
    if (bytes_.limits()) opens = bytes_.when(std::max<std::int64_t>(1, tenth), now);
    if (left_of_day(now) == 0) opens = std::max(opens, all_.next_day(now));
    return std::clamp(opens, now + ask_again_ms, now + ask_at_last_ms);
}

TenantIntake& Intake::of(std::string_view tenant) {
    if (const auto known = tenants_.find(tenant); known != tenants_.end()) return known->second;
    return tenants_.try_emplace(std::string{tenant}, *this).first->second;
}

void Intake::count_taken(std::string_view tenant, std::uint64_t bytes, WallUs received,
                         MonotonicMs now) {
    if (received.value / 1000 / day_ms == day(now)) of(tenant).count_taken(bytes, now);
}

DayIntake Intake::taken_today(MonotonicMs now) {
    DayIntake taken{day(now), {}};
    for (const auto& [tenant, its] : tenants_)
        if (its.day_ == taken.day && its.taken_today_ != 0)
            taken.bytes.emplace(tenant, its.taken_today_);
    return taken;
}

void Intake::restore(const DayIntake& taken, MonotonicMs now) {
    if (taken.day != day(now)) return;
    for (const auto& [tenant, bytes] : taken.bytes) {
        TenantIntake& its = of(tenant);
        its.left_of_day(now);
        its.taken_today_ = std::max(its.taken_today_, bytes);
    }
}

void Intake::set_limits(const std::map<std::string, TenantLimits>& limits, MonotonicMs now) {
    for (const auto& [tenant, its] : limits) of(tenant).set_limits(its, now);
    for (auto& [tenant, intake] : tenants_)
        if (!limits.contains(tenant)) intake.set_limits({}, now);
}

void Intake::set_date(WallUs wall, MonotonicMs now) {
    date_ms_ = wall.value / 1000;
    dated_at_ = now;
}

CreditWait Intake::lacking() const {
    if (disk_short_) return CreditWait::disk;
    return under_way_ < under_way_max_ ? CreditWait::nothing : CreditWait::memory;
}

std::int64_t Intake::day(MonotonicMs now) const { return (date_ms_ + (now - dated_at_)) / day_ms; }

MonotonicMs Intake::next_day(MonotonicMs now) const {
    return now + (day_ms - (date_ms_ + (now - dated_at_)) % day_ms);
}

}  // namespace longhaul::collector
