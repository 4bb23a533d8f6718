#include "firmware-sim/sim_spool.hpp"

#include <algorithm>
#include <set>

namespace longhaul::sim {

Result<Bytes> SimSpool::copy(const Stored& from, MutableBytes room) {
    if (from.size() > room.size()) return ErrorCode::too_large;
    std::copy(from.begin(), from.end(), room.begin());
    return Bytes{room.first(from.size())};
}

Status SimSpool::store_schema(const SchemaHash& hash, Bytes encoded) {
    schemas_[hash].assign(encoded.begin(), encoded.end());
    return {};
}

Status SimSpool::store_epoch(Epoch epoch, Bytes signed_epoch, std::span<const SchemaHash> schemas) {
    EpochEntry& entry = epochs_[epoch];
    entry.record.assign(signed_epoch.begin(), signed_epoch.end());
    entry.schemas.assign(schemas.begin(), schemas.end());
    return {};
}

Result<Bytes> SimSpool::read_schema(const SchemaHash& hash, MutableBytes room) {
    const auto found = schemas_.find(hash);
    return found == schemas_.end() ? ErrorCode::not_found : copy(found->second, room);
}

Result<Bytes> SimSpool::read_epoch(Epoch epoch, MutableBytes room) {
    const auto found = epochs_.find(epoch);
    return found == epochs_.end() ? ErrorCode::not_found : copy(found->second.record, room);
}

Result<std::size_t> SimSpool::waiting_schemas(std::span<SchemaHash> out) {
    std::set<SchemaHash> hashes;
    for (const auto& [key, block] : blocks_) {
        if (block.durable) continue;
        const auto& needed = epochs_[key.first].schemas;
        hashes.insert(needed.begin(), needed.end());
    }
    const std::size_t count = std::min(hashes.size(), out.size());
    std::copy_n(hashes.begin(), count, out.begin());
    return count;
}

Result<std::size_t> SimSpool::epoch_schemas(Epoch epoch, std::span<SchemaHash> out) {
    const auto found = epochs_.find(epoch);
    if (found == epochs_.end()) return ErrorCode::not_found;
    const std::size_t count = std::min(found->second.schemas.size(), out.size());
    std::copy_n(found->second.schemas.begin(), count, out.begin());
    return count;
}

Result<agent::Appended> SimSpool::append(std::span<const agent::SpoolBlock> blocks,
                                         const agent::SentMarks& /*sent*/) {
    std::size_t count = 0;
    while (count < blocks.size() && append_one(blocks[count].tag, blocks[count].sealed).ok())
        ++count;
    if (count == 0) return ErrorCode::full;
    return agent::Appended{count, false};
}

Status SimSpool::append_one(const agent::SpoolTag& tag, Bytes sealed) {
    for (auto at = blocks_.begin(); at != blocks_.end() && bytes_ + sealed.size() > bytes_max_;) {
        if (!at->second.durable) {
            ++at;
            continue;
        }
        bytes_ -= at->second.sealed.size();
        at = blocks_.erase(at);
    }
    if (bytes_ + sealed.size() > bytes_max_) return ErrorCode::full;
    bytes_ += sealed.size();
    blocks_[{tag.name.epoch, tag.name.seq}] = {tag, Stored{sealed.begin(), sealed.end()}, false};
    return {};
}

Result<agent::SpoolBlock> SimSpool::next(BlockClass block_class, Epoch epoch, BlockSeq after,
                                         MutableBytes room) {
    for (auto at = blocks_.upper_bound({epoch, after}); at != blocks_.end(); ++at) {
        const Block& block = at->second;
        if (block.durable || block.tag.name.seq.block_class() != block_class) continue;
        LH_TRY_ASSIGN(const Bytes sealed, copy(block.sealed, room));
        return agent::SpoolBlock{block.tag, sealed};
    }
    return ErrorCode::not_found;
}

Result<agent::DurableGain> SimSpool::mark_durable(const SeqRange& range) {
    agent::DurableGain gain;
    for (auto at = blocks_.lower_bound({range.epoch, range.first});
         at != blocks_.end() && at->first <= std::pair{range.epoch, range.last}; ++at) {
        if (at->second.durable) continue;
        at->second.durable = true;
        ++gain.blocks;
        gain.samples += at->second.tag.samples;
    }
    return gain;
}

Status SimSpool::void_durable() {
    for (auto& [key, block] : blocks_) block.durable = false;
    return {};
}

Result<agent::SpoolDepth> SimSpool::depth() {
    agent::SpoolDepth depth;
    std::set<Epoch> epochs;
    for (const auto& [key, block] : blocks_) {
        if (block.durable) continue;
        ++depth.waiting[static_cast<std::size_t>(key.second.block_class())];
        depth.bytes_waiting += block.sealed.size();
        epochs.insert(key.first);
    }
    if (epochs.empty()) return depth;
    depth.oldest_epoch = *epochs.begin();
    depth.newest_epoch = *epochs.rbegin();
    depth.epochs = static_cast<std::uint32_t>(epochs.size());
    return depth;
}

Status SimSpool::put_state(std::uint8_t key, Bytes value) {
    state_[key].assign(value.begin(), value.end());
    return {};
}

Result<Bytes> SimSpool::read_state(std::uint8_t key, MutableBytes room) {
    const auto found = state_.find(key);
    return found == state_.end() ? ErrorCode::not_found : copy(found->second, room);
}

}  // namespace longhaul::sim
