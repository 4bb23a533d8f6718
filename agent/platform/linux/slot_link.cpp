#include "agent/platform/linux/slot_link.hpp"

namespace longhaul::agent {

Result<void, Message> SlotLink::load() {
    const AgentConfig config = files_.in_use();
    LH_TRY_ASSIGN(std::unique_ptr<Credentials> credentials, Credentials::load(config));
    auto tls = TlsLink::make(credentials->tls(config.server_name), below_);
    if (!tls.ok()) return Message{config.path + ": " + to_string(tls.error())};
    if (tls_) tls_->close();
    tls_ = std::move(tls).value();
    credentials_ = std::move(credentials);
    version_ = files_.version();
    tls_->set_date_floor(floor_);
    tls_->use_ticket(ticket_);  // that of another credential is passed over
    return {};
}

void SlotLink::set_date_floor(WallUs floor) {
    floor_ = floor;
    tls_->set_date_floor(floor);
}

void SlotLink::use_ticket(Bytes ticket) {
    ticket_.assign(ticket.begin(), ticket.end());
    tls_->use_ticket(ticket);
}

// A slot that cannot be loaded is an attempt that failed; the keeper takes the other one next.
Status SlotLink::open(MonotonicMs now) {
    error_.clear();
    if (version_ != files_.version()) {
        if (const auto loaded = load(); !loaded.ok()) {
            error_ = loaded.error().text;
            return Error{ErrorCode::denied, "the credential cannot be loaded"};
        }
    }
    return tls_->open(now);
}

}  // namespace longhaul::agent
