// Who the device is and where its collector is, as `longhaul device image` wrote it into the flash.
// docs/spec/identity-block.md.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "agent/port/flash.hpp"
#include "agent/port/identity.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::agent {

class IdentityBlock final : public Identity {
 public:
    static constexpr std::size_t bytes_max = 4096;

    // Reads it from the first sector into `room`, which outlives it.
    static Result<IdentityBlock> read(Flash& flash, MutableBytes room);
    // Hands the private key to the crypto library; after crypto_init().
    Status keep_key();

    std::string_view environment() const { return text(1); }
    std::string_view tenant() const { return text(2); }
    std::string_view device() const { return text(3); }
    std::string_view server_name() const { return text(4); }
    std::array<std::uint8_t, 4> collector_address() const;
    std::uint16_t collector_port() const;
    Bytes issuer() const { return field(7); }
    Bytes root() const { return field(8); }
    PublicKey sealing_key() const;
    Bytes seed() const { return field(12); }
    // Which codecs it asks for; none: whatever the image uses by itself.
    std::optional<std::uint8_t> codecs() const;
    KeyHandle key() const { return key_; }

    Result<Signature> sign(Bytes message) override { return longhaul::sign(key_, message); }
    Bytes certificate() const override { return field(6); }
    Bytes device_secret() const override { return field(10); }

 private:
    static constexpr std::size_t tags = 14;
    static constexpr std::size_t first_optional = 13;
    Bytes field(std::size_t tag) const { return fields_[tag]; }
    std::string_view text(std::size_t tag) const { return as_text(field(tag)); }
    bool whole() const;

    std::array<Bytes, tags> fields_{};
    KeyHandle key_ = 0;
};

}  // namespace longhaul::agent
