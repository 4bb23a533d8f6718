// How a connection becomes a session, or is told why not; and what it counted for when it ends.
#include "collector/net/connection.hpp"
#include "collector/session/renewals.hpp"

namespace longhaul::collector {
namespace {

// Others of the tenant have to go first, or to be done with their handshakes. Devices add a random
// time of their own.
constexpr std::uint32_t full_retry_after_ms = 60'000;
constexpr std::uint32_t busy_retry_after_ms = 5'000;

}  // namespace

std::optional<Admitted> Connection::admit() {
    const auto denied = [this](RefusalReason reason, const std::string& text) {
        refuse(reason, text);
        queue_bye(longhaul_ByeReason_BYE_REASON_DENIED, text, denied_retry_after_ms);
        return std::nullopt;
    };
    auto peer = tls_->take_peer();
    if (!peer.ok()) return denied(RefusalReason::certificate, to_string(peer.error()));
    identity_ = std::move(peer).value();
    if (!tls_->agreed_on_protocol()) {
        return denied(RefusalReason::application,
                      "the device did not ask for the protocol longhaul/1");
    }
    admitted_by_ = gateway_.entrance;  // a reload may have come during the handshake
    auto admitted = admitted_by_->admission->admit(*identity_);
    if (!admitted.ok()) return denied(admitted.error().reason, admitted.error().text);
    if (!take_place(admitted.value().name)) return std::nullopt;
    return std::move(admitted).value();
}

// A place among those of the tenant, so that no other tenant is in want of one.
bool Connection::take_place(const DeviceName& name) {
    TenantIntake& intake = gateway_.intake.of(name.tenant);
    const auto busy = [&](RefusalReason reason, std::uint64_t most, const char* what,
                          std::uint32_t retry_after_ms) {
        const std::string text =
            "tenant \"" + name.tenant + "\" may have " + std::to_string(most) + what;
        refuse(reason, text);
        queue_bye(longhaul_ByeReason_BYE_REASON_BUSY, text, retry_after_ms);
        return false;
    };
    if (!intake.take_handshake(monotonic_now())) {
        return busy(RefusalReason::tenant_handshakes, intake.limits().handshakes_per_second,
                    " handshakes a second", busy_retry_after_ms);
    }
    if (!intake.open_connection()) {
        return busy(RefusalReason::tenant_connections, intake.limits().connections,
                    " connections, and has them", full_retry_after_ms);
    }
    intake_ = &intake;
    return true;
}

void Connection::begin_session(const Admitted& admitted) {
    const DeviceName& name = admitted.name;
    SessionSettings settings = gateway_.session;
    settings.shard = shard_ = gateway_.journal.shard_of(name.tenant, name.device);
    settings.intake = intake_;
    const RenewalOffer renewal = settings.renewals == nullptr
                                     ? RenewalOffer::none
                                     : settings.renewals->offer_to(identity_->authority);
    if (renewal == RenewalOffer::none) settings.renewals = nullptr;
    settings.leaves_authority = renewal == RenewalOffer::at_once;
    settings.certificate_expires = identity_->expires;
    settings.sealing_tenants = &admitted_by_->sealing_tenants;
    settings.sealing_offer = find_offer(admitted_by_->sealing, identity_->authority);
    session_.emplace(identity_->name, settings, gateway_.known, admitted.authorities,
                     monotonic_now());
    watched_ = gateway_.clones.begin(name.tenant, name.device, peer_, monotonic_now());
    ++gateway_.counters.sessions;
    ++gateway_.counters.sessions_open;
    gateway_.log.debug("session begins", {{"peer", peer_},
                                          {"device", name.tenant + "/" + name.device},
                                          {"tls", tls_->version()},
                                          {"handshake", tls_->resumed() ? "resumed" : "full"}});
}

void Connection::queue_bye(longhaul_ByeReason why, const std::string& text,
                           std::uint32_t retry_after_ms) {
    longhaul_Bye bye = longhaul_Bye_init_zero;
    bye.reason = why;
    bye.retry_after_ms = retry_after_ms;
    text.copy(bye.text, sizeof(bye.text) - 1);
    out_.resize(frame_header_bytes + frame_body_bytes_max(FrameType::collector_bye));
    ByteWriter writer{out_};
    const Status written = write_bye(FrameType::collector_bye, bye, writer);
    out_.resize(written.ok() ? writer.size() : 0);
    out_deadline_ = monotonic_now() + goodbye_deadline_ms;
}

void Connection::watch_for_clones() {
    if (const auto other = gateway_.clones.spoke(watched_, monotonic_now()))
        gateway_.tell_clone(session_->peer(), CloneSign::side_by_side, *other, peer_);
}

void Connection::note_life() {
    if (life_noted_ || !session_->life()) return;
    life_noted_ = true;
    if (const auto other = gateway_.clones.greeted(watched_, *session_->life(), monotonic_now()))
        gateway_.tell_clone(session_->peer(), CloneSign::in_turn, *other, peer_);
}

void Connection::offer_sealing_key() {
    if (peer() == nullptr) return;
    session_->offer_sealing_key(find_offer(gateway_.entrance->sealing, identity_->authority));
    wakeup_.wake();
}

// Into the journal, if that takes anything; nobody waits for it.
void Connection::tell_cost(bool ended) {
    if (!session_ || !tls_) return;
    count();  // before they are taken
    const auto cost = session_->take_cost(monotonic_now(), tls_->wire(), ended);
    if (!cost) return;
    counted_bytes_ = 0;
    std::array<std::byte, connection_cost_bytes_max> room;
    ByteWriter body{room};
    write_connection_cost(*cost, body);
    const DeviceName& name = session_->peer();
    gateway_.submissions.submit(
        nullptr, shard_,
        {wall_now(), JournalKind::connection, name.tenant, name.device, body.written()});
}

void Connection::on_left() {
    if (intake_ != nullptr) intake_->close_connection();
    intake_ = nullptr;
    if (!session_) return;
    tell_cost(true);  // an exception may have ended it
    count_waiting(CreditWait::nothing);
    gateway_.clones.end(watched_, monotonic_now());
    --gateway_.counters.sessions_open;
}

}  // namespace longhaul::collector
