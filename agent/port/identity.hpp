// Port: who the device is. The private key need not be readable: a secure element signs by itself,
// here for epoch records, and by its KeyHandle for TLS (agent/tls/tls_link.hpp).
#pragma once

#include "common/base/bytes.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::agent {

class Identity {
 public:
    // ECDSA P-256 with SHA-256 over `message`.
    virtual Result<Signature> sign(Bytes message) = 0;
    // DER certificate of the key; stays valid and unchanged.
    virtual Bytes certificate() const = 0;
    // At least 16 bytes that only this device knows; never sent.
    virtual Bytes device_secret() const = 0;

 protected:
    ~Identity() = default;
};

}  // namespace longhaul::agent
