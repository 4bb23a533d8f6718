#include "collector/session/renewals.hpp"

#include "collector/registry/signing_request.hpp"
#include "collector/session/session.hpp"

namespace longhaul::collector {

RenewalOffer Renewals::offer_to(const Sha256& issuer) const {
    if (desk_->rotated.contains(issuer)) return RenewalOffer::at_once;
    return desk_->renewed.contains(issuer) ? RenewalOffer::in_time : RenewalOffer::none;
}

bool Renewals::may(const std::string& tenant, MonotonicMs now) {
    all_.set_rate(per_second, now);
    TokenBucket& its = tenants_[tenant];
    its.set_rate(per_second_of_tenant, now);
    if (all_.level(now) < 1 || its.level(now) < 1) return false;
    all_.take(1, now);
    its.take(1, now);
    return true;
}

Result<std::vector<std::byte>> Renewals::renew(const Asking& asking, Bytes request, WallUs wall,
                                               MonotonicMs now) {
    const auto parsed = parse_signing_request(request);
    if (!parsed.ok()) return parsed.error();
    if (parsed.value().name != asking.device)
        return Error{ErrorCode::denied, "the request is for another device than this session's"};
    if (!may(asking.device.tenant, now)) {
        told_(asking.device, "too many at once, it may ask again");
        return std::vector<std::byte>{};
    }
    auto renewed =
        codes_->renew({asking.device, parsed.value().key, asking.expires, asking.leaves_authority},
                      {desk_->environment, desk_->issuers, desk_->certificate_days, wall});
    if (!renewed.ok()) {
        told_(asking.device, std::string{renewed.error().reason} + ": " + renewed.error().text);
        return std::vector<std::byte>{};
    }
    const bool again = renewed.value().again;
    std::vector<std::byte> body = answer(asking, std::move(renewed).value());
    const bool too_long = body.size() > limits::certificate_chain_bytes_max;
    if (too_long) {
        told_(asking.device, "issuer: the certificates are too long for an answer");
        body.clear();
    } else if (!again) {
        told_(asking.device, "");  // the same once more can come without end, and is no news
    }
    return body;
}

// What it seals for is of the older authority, so it needs that certificate as well.
std::vector<std::byte> Renewals::answer(const Asking& asking, Enrolled renewed) const {
    std::vector<std::byte> body = std::move(renewed.chain);
    const Issuer* const issuer = desk_->issuers.find(asking.device.tenant);
    if (!asking.leaves_authority || issuer == nullptr) return body;
    const Bytes sealing = issuer->sealing();
    body.insert(body.end(), sealing.begin(), sealing.end());
    return body;
}

SessionAction Session::on_renew(Bytes body) {
    if (!renewal_offered_ || renewed_) {
        return refuse(longhaul_ByeReason_BYE_REASON_PROTOCOL,
                      "a certificate is renewed once a session, where Welcome says so");
    }
    renewed_ = true;
    const auto chain = settings_.renewals->renew(
        {peer_, settings_.certificate_expires, settings_.leaves_authority}, body, wall_, now_);
    if (!chain.ok()) {
        return refuse(longhaul_ByeReason_BYE_REASON_PROTOCOL,
                      "renewal: " + to_string(chain.error()));
    }
    const std::size_t before = out_.size();
    out_.resize(before + frame_header_bytes + chain.value().size());
    ByteWriter out{MutableBytes{out_}.subspan(before)};
    write_frame(FrameType::renewed, chain.value(), out);
    return {};
}

}  // namespace longhaul::collector
