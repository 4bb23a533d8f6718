// The file of the certificate that blocks are sealed for (`sealing_key` of agent.toml): replaced
// when the collector has a newer one.
#pragma once

#include "agent/platform/linux/credential_files.hpp"
#include "agent/port/sealing_keys.hpp"

namespace longhaul::agent {

class SealingFile final : public SealingKeys {
 public:
    // The slots outlive it: whose certificate is in use judges, and has the file beside it.
    SealingFile(const CredentialFiles& slots, const PublicKey& now)
        : slots_{slots}, version_{slots.version()}, newest_{sealing_key_id(now)} {}

    SealingKeyId newest() const override;
    Status keep(Bytes certificate) override;

 private:
    Result<void, Message> replace(Bytes certificate);

    const CredentialFiles& slots_;
    mutable std::uint64_t version_;  // of the slots, as newest_ is
    mutable SealingKeyId newest_;
};

}  // namespace longhaul::agent
