// Random numbers without a source of noise: everything that the crypto library is fed comes from
// the seed of the identity block, the device's secret and the number of this start, which never
// comes twice, with what the board's clock adds. A board with a generator of its own mixes it in by
// board::noise().
#pragma once

#include "agent/port/entropy.hpp"

namespace longhaul::agent {

// Before crypto_init().
void feed_entropy(Bytes seed, Bytes secret, std::uint32_t boot_count);

class CryptoEntropy final : public Entropy {
 public:
    Status fill(MutableBytes room) override;
};

}  // namespace longhaul::agent
