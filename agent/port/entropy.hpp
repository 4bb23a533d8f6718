// Port: random bytes that nobody can predict.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace longhaul::agent {

// The core relies on: success means every byte is random. Keys survive a weak source, because the
// device secret and the epoch counter enter them as well (docs/spec/epoch.md).
class Entropy {
 public:
    virtual Status fill(MutableBytes room) = 0;

 protected:
    ~Entropy() = default;
};

}  // namespace longhaul::agent
