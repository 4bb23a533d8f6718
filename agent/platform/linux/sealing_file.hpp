// The file of the certificate that blocks are sealed for (`sealing_key` of agent.toml): replaced
// when the collector has a newer one.
#pragma once

#include <string>
#include <string_view>

#include "agent/platform/linux/credentials.hpp"
#include "agent/port/sealing_keys.hpp"

namespace longhaul::agent {

class SealingFile final : public SealingKeys {
 public:
    // The credentials outlive it. `device`: its name, for what is told on standard error.
    SealingFile(const AgentConfig& config, const Credentials& credentials)
        : path_{config.sealing_key},
          device_{config.name},
          credentials_{credentials},
          newest_{sealing_key_id(credentials.sealing_key())} {}

    SealingKeyId newest() const override { return newest_; }
    Status keep(Bytes certificate) override;

 private:
    Result<void, Message> replace(Bytes certificate);

    std::string path_;
    std::string device_;
    const Credentials& credentials_;
    SealingKeyId newest_;
};

}  // namespace longhaul::agent
