// Who vouches for the devices of a world: keys and certificates that follow from its seed.
#pragma once

#include <string>
#include <vector>

#include "agent/port/identity.hpp"
#include "collector/registry/certificate.hpp"
#include "firmware-sim/world/random.hpp"

namespace longhaul::sim {

inline constexpr const char* world_environment = "simulated";
inline constexpr const char* world_tenant = "acme";

class DeviceIdentity final : public agent::Identity {
 public:
    DeviceIdentity(const PrivateKey& key, std::vector<std::byte> certificate)
        : key_{key}, certificate_{std::move(certificate)} {}
    Result<Signature> sign(Bytes message) override { return longhaul::sign(key_, message); }
    Bytes certificate() const override { return certificate_; }
    Bytes device_secret() const override { return key_.bytes; }

 private:
    PrivateKey key_;
    std::vector<std::byte> certificate_;
};

class Authority {
 public:
    Authority(std::uint64_t seed, WallUs now);

    DeviceIdentity issue(const std::string& device);
    const collector::Certificate& certificate() const { return certificate_; }
    const PrivateKey& sealing_key() const { return sealing_key_; }

 private:
    std::string issue_pem(const std::string& subject, const PrivateKey& key,
                          const std::string& issuer_pem, bool authority);

    Random random_;
    WallUs now_;
    PrivateKey key_;
    std::string key_pem_;
    std::string pem_;
    collector::Certificate certificate_;
    PrivateKey sealing_key_;
};

}  // namespace longhaul::sim
