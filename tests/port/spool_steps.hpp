// The steps of a spool's history (spool_history.hpp), and what blocks and schemas consist of there.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "agent/core/loss_ledger.hpp"
#include "common/base/ids.hpp"
#include "common/block/schema.hpp"

namespace longhaul::test {

struct SpoolStep {
    enum class What : std::uint8_t {
        boot,       // the spool is opened again, a new epoch begins
        append,     // `count` blocks of `size` bytes in one call
        fill,       // `count` blocks, a call each
        tell,       // a carrier of the losses, if there are any
        mark,       // the oldest `count` waiting blocks become durable
        mark_live,  // the newest `count`
        send,       // the oldest `count` waiting blocks are on their way
        forget,     // the session ends: nothing is on its way
        void_marks,
        state,  // a value of `size` bytes under key `count`
    };
    What what;
    BlockClass block_class = BlockClass::normal;
    std::uint32_t count = 1;
    std::size_t size = 300;
};
using SpoolScript = std::vector<SpoolStep>;

inline std::vector<std::byte> spool_bytes(Epoch epoch, BlockSeq seq, std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] =
            static_cast<std::byte>(epoch.value * 31 + seq.value * 7 + (seq.value >> 28) + i * 3);
    }
    return bytes;
}
inline SchemaHash schema_hash_of(std::uint32_t number) {
    SchemaHash hash;
    hash.fill(static_cast<std::byte>(number));
    return hash;
}

// Blocks of 300 bytes, and what a spool keeps beside them, that are surely more than `bytes`.
constexpr std::uint32_t more_than(std::uint64_t bytes) {
    return static_cast<std::uint32_t>(bytes / 300 + 4);
}

// A block as the model of a history has it.
struct SpoolModelBlock {
    std::uint16_t samples = 0;
    std::size_t size = 0;
    bool committed = false;  // else: power was cut while it was appended
    bool acked = false;      // once
    std::vector<agent::Loss> tells;
};

using SpoolModelBlocks = std::map<std::pair<BlockClass, agent::BlockPlace>, SpoolModelBlock>;

inline bool covered(std::span<const agent::Loss> losses, BlockClass block_class,
                    const agent::BlockPlace& place) {
    return std::any_of(losses.begin(), losses.end(), [&](const agent::Loss& loss) {
        return loss.block_class == block_class && loss.first <= place && place <= loss.last;
    });
}

}  // namespace longhaul::test
