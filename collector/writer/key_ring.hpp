// The private sealing keys that a writer holds, by id. Keys are never removed: old blocks stay
// readable.
#pragma once

#include <map>
#include <vector>

#include "common/block/epoch.hpp"

namespace longhaul::collector {

class KeyRing {
 public:
    virtual ~KeyRing() = default;
    // An elliptic curve operation, the dearest step of a replay.
    virtual Result<BlockKey> unwrap(const PrivateKey& key,
                                    const longhaul_EpochRecord& record) const {
        return unwrap_block_key(key, record);
    }

    Status add(const PrivateKey& key) {
        LH_TRY_ASSIGN(const PublicKey public_key, public_key_of(key));
        keys_[sealing_key_id(public_key)] = key;
        return {};
    }
    const PrivateKey* find(const SealingKeyId& id) const {
        const auto found = keys_.find(id);
        return found == keys_.end() ? nullptr : &found->second;
    }
    std::vector<SealingKeyId> ids() const {
        std::vector<SealingKeyId> ids;
        for (const auto& [id, key] : keys_) ids.push_back(id);
        return ids;
    }
    std::size_t size() const { return keys_.size(); }

 private:
    std::map<SealingKeyId, PrivateKey> keys_;
};

}  // namespace longhaul::collector
