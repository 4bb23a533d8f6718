#include "collector/session/renewals.hpp"

#include <algorithm>

#include "collector/registry/signing_request.hpp"
#include "collector/session/session.hpp"

namespace longhaul::collector {

bool Renewals::may(MonotonicMs now) {
    const std::int64_t gained = (now - counted_at_) / ms_per_renewal;
    if (gained > 0) {
        allowed_ = std::min(burst, allowed_ + std::min(gained, burst));
        counted_at_ = now;
    }
    if (allowed_ == 0) return false;
    --allowed_;
    return true;
}

Result<std::vector<std::byte>> Renewals::renew(const DeviceName& device, Bytes request, WallUs wall,
                                               MonotonicMs now) {
    const auto parsed = parse_signing_request(request);
    if (!parsed.ok()) return parsed.error();
    if (parsed.value().name != device)
        return Error{ErrorCode::denied, "the request is for another device than this session's"};
    if (!may(now)) {
        told_(device, "too many at once, it may ask again");
        return std::vector<std::byte>{};
    }
    auto renewed =
        codes_->renew(device, parsed.value().key,
                      {desk_->environment, desk_->issuers, desk_->certificate_days, wall});
    if (!renewed.ok()) {
        told_(device, std::string{renewed.error().reason} + ": " + renewed.error().text);
        return std::vector<std::byte>{};
    }
    told_(device, "");
    return std::move(renewed).value().chain;
}

SessionAction Session::on_renew(Bytes body) {
    if (settings_.renewals == nullptr || renewed_) {
        return refuse(longhaul_ByeReason_BYE_REASON_PROTOCOL,
                      "a certificate is renewed once a session, where Welcome says so");
    }
    renewed_ = true;
    const auto chain = settings_.renewals->renew(peer_, body, wall_, now_);
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
