// The newest sealing key that the devices of an authority may use, for those that have another.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/block/epoch.hpp"

namespace longhaul::collector {

struct SealingOffer {
    SealingKeyId id{};
    std::vector<std::byte> certificate;  // DER, issued by that authority
};
using SealingOffers = std::map<Sha256, SealingOffer>;  // by the authority's certificate

// Whose devices seal for a key, as its certificate says; a key without one is not in it.
using SealingTenants = std::map<SealingKeyId, std::string>;

inline const SealingOffer* find_offer(const SealingOffers& offers, const Sha256& authority) {
    const auto found = offers.find(authority);
    return found == offers.end() ? nullptr : &found->second;
}

}  // namespace longhaul::collector
