// When the device asks for its next certificate, and which of two it connects with: the newer one
// is tried, and the older one kept until the newer has worked. docs/spec/enrolment.md, "Renewal".
#pragma once

#include <optional>

#include "agent/port/clock.hpp"
#include "agent/port/credential_slots.hpp"

namespace longhaul::agent {

class CredentialKeeper {
 public:
    static constexpr std::int64_t ask_again_us = 3'600'000'000;
    static constexpr std::int64_t ask_refused_again_us = 24 * ask_again_us;

    // nullptr: the device's certificate is renewed by others. The slots outlive the keeper.
    explicit CredentialKeeper(CredentialSlots* slots) : slots_{slots} {}

    bool renews() const { return slots_ != nullptr; }
    void on_attempt();  // before the link opens
    // `answers`: the collector answers a request. `at_once`: however long the certificate lasts.
    void on_welcome(bool answers, bool at_once = false);

    // Whether to ask now; then request() comes, sent or not.
    bool due(const WallReading& now) const;
    Result<Bytes> request(const WallReading& now, MutableBytes room);
    bool waits() const { return waits_; }  // for the answer
    // True: there is a newer certificate, and the next connection tries it.
    bool take(Bytes chain);

 private:
    CredentialSlots* slots_;
    bool trying_newer_ = false;
    bool newer_failed_ = false;  // at the last attempt
    bool answers_ = false;
    bool at_once_ = false;
    bool waits_ = false;
    bool asked_in_session_ = false;
    std::optional<WallUs> asked_at_;
};

}  // namespace longhaul::agent
