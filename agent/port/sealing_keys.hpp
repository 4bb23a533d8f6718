// Port: where a device keeps the public key that its next epoch is sealed for, when its collector
// has a newer one. Reading and judging certificates is left to it, so that the core needs no X.509.
#pragma once

#include "common/block/epoch.hpp"

namespace longhaul::agent {

class SealingKeys {
 public:
    // Of the key that the next boot seals for, as far as this one has kept it.
    virtual SealingKeyId newest() const = 0;
    // Keeps the key of this certificate (DER), if the authority that issued the device's own
    // certificate has issued it for sealing, and it is not older than the one that is there. When
    // it returns ok, every later boot seals for it, whatever is cut; else nothing has changed.
    virtual Status keep(Bytes certificate) = 0;

 protected:
    ~SealingKeys() = default;
};

}  // namespace longhaul::agent
