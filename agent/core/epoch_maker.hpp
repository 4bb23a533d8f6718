// What makes a begun epoch fit for blocks: the key that they are sealed with, the signed record and
// the schemas. Happens once a boot, when the first block is about to be sealed.
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
// u32 first, u32 last: epochs in a row, each of which ended with every sample stored.
inline constexpr std::uint8_t state_clean_epochs = 3;
// i64: the last date known, UTC in microseconds since 1970.
inline constexpr std::uint8_t state_last_date = 4;
// What the link comes back with: opaque here, secret.
inline constexpr std::uint8_t state_ticket = 5;
// For each schema with an offer: its hash, the model's hash.
inline constexpr std::uint8_t state_offered_models = 7;

// What an epoch is made from.
struct EpochMaking {
    Epoch epoch;
    const AgentSettings& settings;
    std::span<AgentStream> streams;  // lose their models when the record would be too long
    Spool& spool;
    Identity& identity;
    Entropy& entropy;
    WallReading wall;
};

// `room` is for the signed epoch, settings.epoch_bytes_max, and free again afterwards. Error
// too_large: that is too little for it. After an error the epoch's number is used up: the caller
// begins another one.
Result<BlockKey> make_epoch(const EpochMaking& making, MutableBytes room);

// Notes that every sample of the epoch is stored.
Status end_epoch_cleanly(Spool& spool, Epoch epoch);

}  // namespace longhaul::agent
