#include "collector/net/guard.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace longhaul::collector {

using boost::asio::awaitable;

awaitable<void> Guard::run() {
    while (!finishing_) {
        look(wall_now());
        co_await pause_.wait_until(monotonic_now() + look_interval_ms);
    }
}

void Guard::finish() {
    finishing_ = true;
    pause_.wake();
}

void Guard::look(WallUs now) {
    end_expired(now);
    const Status keys = look_at_keys(now);
    const Status changes = look_at_changes();
    const Status limits = look_at_limits(now);
    const Status& first = !keys.ok() ? keys : !changes.ok() ? changes : limits;
    if (!first.ok() && !failing_) {
        gateway_.log.error(
            "the registry cannot be read: revocations, limits and new ticket keys wait",
            {{"registry", path_}, {"text", to_string(first.error())}});
    }
    failing_ = !first.ok();
}

void Guard::look_at_everybody(WallUs now) {
    everybody_ = true;
    keys_.reset();  // another file may have taken the name
    changes_.reset();
    look(now);
}

// Without a key nobody resumes, and everybody can still come in by a full handshake.
Status Guard::look_at_keys(WallUs now) {
    const auto& tickets = gateway_.entrance->tickets;
    if (!tickets) return {};
    if (!keys_) {
        LH_TRY_ASSIGN(keys_, TicketKeys::open(path_));
    }
    LH_TRY_ASSIGN(std::vector<TicketKey> keys, keys_->at(now));
    tickets->use(std::move(keys));
    return {};
}

Status Guard::look_at_changes() {
    if (!changes_) {
        everybody_ = true;
        LH_TRY_ASSIGN(changes_, RegistryChanges::open(path_));
    }
    auto news = changes_->take();
    if (!news.ok()) {
        changes_.reset();  // it begins anew
        return news.error();
    }
    const bool everybody = std::exchange(everybody_, false) || news.value().everything;
    if (!everybody && news.value().changes.empty()) return {};
    std::set<std::pair<std::string, std::string>> changed;
    for (const RegistryChange& each : news.value().changes)
        changed.emplace(each.tenant, each.device);
    Admission& admission = *gateway_.entrance->admission;
    const bool of_a_tenant = std::any_of(changed.begin(), changed.end(),
                                         [](const auto& each) { return each.second.empty(); });
    Status asked;
    if (everybody || of_a_tenant) asked = admission.drop_what_is_gone();
    if (!asked.ok()) everybody_ = true;
    listener_.expel([&](const PeerIdentity& peer) -> std::optional<Refusal> {
        const auto& [environment, tenant, device] = peer.name;
        const bool concerned = everybody || changed.contains({tenant, device}) ||
                               changed.contains({tenant, std::string{}});
        if (!concerned) return std::nullopt;
        auto objection = admission.objection(peer);
        if (!objection || objection->reason != RefusalReason::registry) return objection;
        // Who cannot be looked up stays until everybody is asked about again.
        everybody_ = true;
        asked = Error{ErrorCode::io, "a device cannot be looked up"};
        return std::nullopt;
    });
    return asked;
}

Status Guard::look_at_limits(WallUs now) {
    gateway_.intake.set_date(now, monotonic_now());
    LH_TRY_ASSIGN(const auto limits, gateway_.entrance->registry->limits());
    gateway_.intake.set_limits(limits, monotonic_now());
    gateway_.day_intake.set(gateway_.intake.taken_today(monotonic_now()));
    return {};
}

void Guard::end_expired(WallUs now) {
    listener_.expel([now](const PeerIdentity& peer) -> std::optional<Refusal> {
        if (now < peer.expires) return std::nullopt;
        return Refusal{RefusalReason::expired, "device \"" + peer.name.device + "\" of tenant \"" +
                                                   peer.name.tenant +
                                                   "\" has a certificate that has expired"};
    });
}

}  // namespace longhaul::collector
