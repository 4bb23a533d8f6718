#include "agent/core/credential_keeper.hpp"

namespace longhaul::agent {

// Why a connection fails may be known to nobody, so the attempts take turns: a network that is down
// harms neither, and a newer certificate that is refused costs one attempt in two.
void CredentialKeeper::on_attempt() {
    if (slots_ == nullptr) return;
    trying_newer_ = slots_->has_newer() && !newer_failed_;
    newer_failed_ = trying_newer_;
    slots_->use(trying_newer_);
}

void CredentialKeeper::on_welcome(bool answers, bool at_once) {
    answers_ = answers;
    at_once_ = at_once;
    asked_in_session_ = false;
    waits_ = false;
    if (!trying_newer_) return;
    newer_failed_ = false;
    // One that cannot be settled now is tried and settled again the next time.
    if (slots_->settle().ok()) trying_newer_ = false;
}

bool CredentialKeeper::due(const WallReading& now) const {
    if (slots_ == nullptr || !answers_ || asked_in_session_ || !now.known || trying_newer_)
        return false;
    const CertificateLife life = slots_->life();
    const std::int64_t third_us = (life.not_after.value - life.not_before.value) / 3;
    if (!at_once_ && now.now.value < life.not_before.value + 2 * third_us) return false;
    if (!asked_at_ || now.now < *asked_at_) return true;
    const std::int64_t pause_us = slots_->has_newer() ? ask_refused_again_us : ask_again_us;
    return now.now.value - asked_at_->value >= pause_us;
}

Result<Bytes> CredentialKeeper::request(const WallReading& now, MutableBytes room) {
    asked_in_session_ = true;
    asked_at_ = now.now;
    Result<Bytes> request = slots_->request(room);
    waits_ = request.ok();
    return request;
}

bool CredentialKeeper::take(Bytes chain) {
    waits_ = false;
    return !chain.empty() && slots_->take(chain).ok();
}

}  // namespace longhaul::agent
