// How much devices may send: the quota of their tenant, and the room that the collector has for
// all of them. No input or output; the time is an argument.
//
// It is asked before credit is given, and told what has come. What was given is never taken back
// and nothing that comes is refused for it: who has no credit waits, and asks again at opens_at().
// So a tenant may come over its rate by what its sessions had been given; that is a debt, which is
// paid before any of them gets more.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "collector/registry/day_intake.hpp"
#include "collector/registry/tenant_limits.hpp"
#include "collector/session/token_bucket.hpp"

namespace longhaul::collector {

// What credit waits for.
enum class CreditWait : std::uint8_t { nothing, quota, disk, memory };
inline constexpr std::size_t credit_wait_count = 4;
const char* name_of(CreditWait wait);

class Intake;

// Of one tenant.
class TenantIntake {
 public:
    explicit TenantIntake(Intake& all) : all_{all} {}

    void set_limits(const TenantLimits& limits, MonotonicMs now);
    const TenantLimits& limits() const { return limits_; }

    // False: it would be one too many.
    bool take_handshake(MonotonicMs now);
    bool open_connection();
    void close_connection() { --connections_; }

    // A block has come; it has become durable.
    void took(std::uint64_t bytes, MonotonicMs now);
    void made_durable(std::uint64_t bytes);

    struct Room {
        std::uint64_t bytes = 0;  // that a session may be allowed beyond what it has sent
        CreditWait limited_by = CreditWait::nothing;
    };
    // Two of the longest blocks at least, or nothing.
    Room room(MonotonicMs now);
    // When it is worth asking again.
    MonotonicMs opens_at(MonotonicMs now);

 private:
    friend class Intake;
    std::uint64_t left_of_day(MonotonicMs now);
    void count_taken(std::uint64_t bytes, MonotonicMs now);

    Intake& all_;
    TenantLimits limits_;
    TokenBucket bytes_;
    TokenBucket handshakes_;
    std::uint64_t connections_ = 0;
    std::int64_t day_ = 0;
    std::uint64_t taken_today_ = 0;
};

class Intake {
 public:
    static constexpr std::uint64_t under_way_max_default = 256 << 20;

    // Lives as long as this; without limits until it is given some.
    TenantIntake& of(std::string_view tenant);
    // A block that the journal held already, at the start: it counts for its day if that is today.
    void count_taken(std::string_view tenant, std::uint64_t bytes, WallUs received,
                     MonotonicMs now);
    // What tenants have sent today, and so it may be told again after a restart: what the journal
    // still holds counts, or this, whichever is more.
    DayIntake taken_today(MonotonicMs now);
    void restore(const DayIntake& taken, MonotonicMs now);
    // Of every tenant; who is not in it has none.
    void set_limits(const std::map<std::string, TenantLimits>& limits, MonotonicMs now);
    // The date, from time to time. Days are those of UTC.
    void set_date(WallUs wall, MonotonicMs now);
    void set_disk_short(bool disk_short) { disk_short_ = disk_short; }
    bool disk_short() const { return disk_short_; }
    // Of blocks that came and are not durable, of all devices.
    void set_under_way_max(std::uint64_t bytes) { under_way_max_ = bytes; }

 private:
    friend class TenantIntake;
    CreditWait lacking() const;
    std::int64_t day(MonotonicMs now) const;
    MonotonicMs next_day(MonotonicMs now) const;

    std::map<std::string, TenantIntake, std::less<>> tenants_;
    std::int64_t date_ms_ = 0;  // since 1970, at the moment dated_at_
    MonotonicMs dated_at_;
    bool disk_short_ = false;
    std::uint64_t under_way_ = 0;
    std::uint64_t under_way_max_ = under_way_max_default;
};

}  // namespace longhaul::collector
