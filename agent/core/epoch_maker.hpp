// Begins an epoch: raises the counter, makes the key that its blocks are sealed with, and stores
// the signed record and the schemas. Happens once a boot, when the first block is about to be
// sealed.
#pragma once

#include <span>

#include "agent/core/sampler.hpp"
#include "agent/core/settings.hpp"
#include "agent/core/spool.hpp"
#include "agent/port/clock.hpp"
#include "agent/port/entropy.hpp"
#include "agent/port/identity.hpp"
#include "common/block/epoch.hpp"

namespace longhaul::agent {

// Keys of Spool::put_state.
inline constexpr std::uint8_t state_journal_id = 1;
inline constexpr std::uint8_t state_retries = 2;
inline constexpr std::uint8_t state_clean_epoch =
    3;  // u32: the last epoch that ended with nothing unsealed

struct OpenEpoch {
    Epoch epoch;  // 0: not begun
    BlockKey key;
};

// What an epoch is made from.
struct EpochMaking {
    const AgentSettings& settings;
    std::span<const AgentStream> streams;
    Spool& spool;
    Identity& identity;
    Entropy& entropy;
    WallReading wall;
};

inline constexpr std::size_t epoch_scratch_bytes =
    signed_epoch_bytes_max + limits::epoch_record_bytes_max;

// `scratch` holds epoch_scratch_bytes and is free again afterwards. After an error nothing refers
// to the epoch number that was used up, and the caller may try again.
Result<OpenEpoch> make_epoch(const EpochMaking& making, MutableBytes scratch);

}  // namespace longhaul::agent
