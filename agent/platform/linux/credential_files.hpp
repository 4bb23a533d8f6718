// The two slots of a device on Linux: <key> and <certificate> of its configuration, and beside them
// <key>.next and <certificate>.next; <sealing_key>.next as well when the newer certificate is of
// another authority of the tenant.
//
// A newer pair takes the older one's place by renames, the certificate's first; a start that finds
// the certificate and <key>.next, or <sealing_key>.next, to belong together finishes it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/platform/linux/agent_config.hpp"
#include "agent/platform/linux/certificate_request.hpp"
#include "agent/port/credential_slots.hpp"

namespace longhaul::agent {

class CredentialFiles final : public CredentialSlots {
 public:
    // Comes before the credentials are loaded.
    static Result<std::unique_ptr<CredentialFiles>, Message> open(const AgentConfig& config);

    CertificateLife life() const override { return life_; }
    bool has_newer() const override { return has_newer_; }
    void use(bool newer) override;
    Result<Bytes> request(MutableBytes room) override;
    Status take(Bytes chain) override;
    Status settle() override;

    // The configuration with the files of the slot in use.
    AgentConfig in_use() const;
    // Changes whenever what is in use may have.
    std::uint64_t version() const { return version_; }

 private:
    explicit CredentialFiles(const AgentConfig& config) : config_{config} {}
    Result<void, Message> finish_settling() const;
    Result<void, Message> read_life();
    std::string next_key() const { return config_.key + ".next"; }
    std::string next_certificate() const { return config_.certificate + ".next"; }
    std::string next_sealing() const { return config_.sealing_key + ".next"; }
    Result<void, Message> finish_sealing() const;
    Result<void, Message> check_sealing(const TakenChain& taken, Bytes root) const;
    Result<void, Message> keep(const TakenChain& taken) const;
    std::string uri() const;
    Status trouble(const std::string& what, const std::string& why) const;

    AgentConfig config_;
    CertificateLife life_{};
    bool has_newer_ = false;
    bool newer_in_use_ = false;
    std::uint64_t version_ = 1;
};

}  // namespace longhaul::agent
