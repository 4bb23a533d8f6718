// Who the device is, from files: certificate, private key, secret, the pinned root, and the public
// key that blocks are sealed for. Everything is checked against everything else before anything is
// opened.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/platform/linux/agent_config.hpp"
#include "agent/port/identity.hpp"
#include "agent/tls/tls_link.hpp"

namespace longhaul::agent {

struct SealingCertificate {
    PublicKey key{};
    std::string pem;
};

class Credentials final : public Identity {
 public:
    static Result<std::unique_ptr<Credentials>, Message> load(const AgentConfig& config);
    ~Credentials() { forget_key(key_); }
    Credentials(const Credentials&) = delete;
    Credentials& operator=(const Credentials&) = delete;

    Result<Signature> sign(Bytes message) override { return longhaul::sign(key_, message); }
    Bytes certificate() const override { return certificate_; }
    Bytes device_secret() const override { return secret_; }

    const PublicKey& sealing_key() const { return sealing_key_; }
    // Whether this certificate (DER) may take the place of the one in the file `current`; the
    // message says why not.
    Result<SealingCertificate, Message> judge_sealing(Bytes certificate,
                                                      const std::string& current) const;
    // Points into the credentials.
    TlsSettings tls(std::string_view server_name) const {
        return {root_pem_, certificates_pem_, key_, server_name};
    }

 private:
    class Chain;
    Credentials() = default;
    Result<void, Message> read_files(const AgentConfig& config);
    Result<void, Message> read_certificates(const AgentConfig& config);

    KeyHandle key_ = 0;
    PublicKey sealing_key_{};
    std::vector<std::byte> certificate_;  // DER
    std::vector<std::byte> secret_;
    std::vector<std::byte> root_pem_;  // each with a zero byte behind it
    std::vector<std::byte> certificates_pem_;
    std::vector<std::byte> sealing_pem_;
};

// The secrets of a device that others may read: denied, with the command that helps.
Result<void, Message> check_secrets_are_private(const AgentConfig& config);

}  // namespace longhaul::agent
