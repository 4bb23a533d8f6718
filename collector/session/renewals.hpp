// Renewed certificates for devices that are connected. Specification: docs/spec/enrolment.md,
// "Renewal". Belongs to the network's thread, which a renewal holds up for some milliseconds: so
// there are only so many a second, and the other devices ask again in a later session.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collector/session/enrolment.hpp"

namespace longhaul::collector {

class Renewals {
 public:
    static constexpr std::int64_t ms_per_renewal = 50;
    static constexpr std::int64_t burst = 10;

    // `why`: nothing, or what kept it.
    using Told = std::function<void(const DeviceName& device, const std::string& why)>;
    Renewals(std::unique_ptr<EnrolmentCodes> codes, std::shared_ptr<const EnrolmentDesk> desk,
             Told told)
        : codes_{std::move(codes)}, desk_{std::move(desk)}, told_{std::move(told)} {}

    // `issuer`: SHA-256 of the certificate of who issued the device's.
    bool offered_to(const Sha256& issuer) const { return desk_->renewed.contains(issuer); }
    // The chain; empty: not now. Error: the device may not ask so.
    Result<std::vector<std::byte>> renew(const DeviceName& device, Bytes request, WallUs wall,
                                         MonotonicMs now);
    void replace(std::shared_ptr<const EnrolmentDesk> desk) { desk_ = std::move(desk); }

 private:
    bool may(MonotonicMs now);

    std::unique_ptr<EnrolmentCodes> codes_;
    std::shared_ptr<const EnrolmentDesk> desk_;
    Told told_;
    std::int64_t allowed_ = burst;
    MonotonicMs counted_at_;
};

}  // namespace longhaul::collector
