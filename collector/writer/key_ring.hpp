// The private sealing keys that a writer holds, by id. Keys are never removed: old blocks stay
// readable. New ones may come from any thread.
#pragma once

#include <map>
#include <mutex>
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
        const std::lock_guard lock{mutex_};
        keys_.try_emplace(sealing_key_id(public_key), key);
        return {};
    }
    void take_all(const KeyRing& other) {
        const std::scoped_lock lock{mutex_, other.mutex_};
        for (const auto& [id, key] : other.keys_) keys_.try_emplace(id, key);
    }
    const PrivateKey* find(const SealingKeyId& id) const {
        const std::lock_guard lock{mutex_};
        const auto found = keys_.find(id);
        return found == keys_.end() ? nullptr : &found->second;
    }
    std::vector<SealingKeyId> ids() const {
        const std::lock_guard lock{mutex_};
        std::vector<SealingKeyId> ids;
        for (const auto& [id, key] : keys_) ids.push_back(id);
        return ids;
    }
    std::size_t size() const {
        const std::lock_guard lock{mutex_};
        return keys_.size();
    }

 private:
    mutable std::mutex mutex_;
    std::map<SealingKeyId, PrivateKey> keys_;
};

}  // namespace longhaul::collector
