// Renewed certificates for devices that are connected. Specification: docs/spec/enrolment.md,
// "Renewal". Belongs to the network's thread, which a renewal holds up for some milliseconds: so
// there are only so many a second, of each tenant and of all, and the other devices ask again in a
// later session.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collector/session/enrolment.hpp"
#include "collector/session/token_bucket.hpp"

namespace longhaul::collector {

// What a device of an authority is offered.
enum class RenewalOffer : std::uint8_t {
    none,
    in_time,  // below the same authority of its tenant, when its certificate has grown old
    at_once,  // below the newer one that has taken the place of its own
};

class Renewals {
 public:
    static constexpr std::int64_t per_second = 20;
    static constexpr std::int64_t per_second_of_tenant = 4;  // so no tenant has them all

    // `why`: nothing, or what kept it.
    using Told = std::function<void(const DeviceName& device, const std::string& why)>;
    Renewals(std::unique_ptr<EnrolmentCodes> codes, std::shared_ptr<const EnrolmentDesk> desk,
             Told told)
        : codes_{std::move(codes)}, desk_{std::move(desk)}, told_{std::move(told)} {}

    // `issuer`: SHA-256 of the certificate of who issued the device's.
    RenewalOffer offer_to(const Sha256& issuer) const;

    struct Asking {
        DeviceName device;
        WallUs expires{};  // the certificate that it has
        bool leaves_authority = false;
    };
    // The body of Renewed; empty: not now. Error: the device may not ask so.
    Result<std::vector<std::byte>> renew(const Asking& asking, Bytes request, WallUs wall,
                                         MonotonicMs now);
    void replace(std::shared_ptr<const EnrolmentDesk> desk) { desk_ = std::move(desk); }

 private:
    bool may(const std::string& tenant, MonotonicMs now);
    std::vector<std::byte> answer(const Asking& asking, Enrolled renewed) const;

    std::unique_ptr<EnrolmentCodes> codes_;
    std::shared_ptr<const EnrolmentDesk> desk_;
    Told told_;
    TokenBucket all_;
    std::map<std::string, TokenBucket> tenants_;
};

}  // namespace longhaul::collector
