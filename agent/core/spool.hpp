// The spool: where sealed blocks wait until the collector has made them durable.
//
// A store with one contract (tests/port/spool_contract.hpp) and several implementations: SQLite on
// Linux, a flash ring on bare metal. When a call returns ok, what it did survives a power cut; only
// the last calls of mark_durable() and put_state() may be forgotten by one, the latest first.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/block/schema.hpp"

namespace longhaul::agent {

// What the device has to remember about a block that it cannot open any more; never sent.
struct SpoolTag {
    BlockName name;
    std::uint16_t samples = 0;
    std::int64_t first_us = 0;  // since the epoch began: when its first and last sample were staged
    std::int64_t last_us = 0;
};

struct SpoolBlock {
    SpoolTag tag;
    Bytes sealed;  // in the caller's room
};

// How far the blocks of an epoch had come when it ended; goes into the next epoch record.
struct EpochEnd {
    Epoch epoch;  // 0: there is none
    std::array<std::uint32_t, block_class_count> last_number{};
    std::array<std::int64_t, block_class_count> last_us{};
};

struct SpoolDepth {
    std::array<std::uint32_t, block_class_count> waiting{};  // not durable, per class
    std::uint64_t bytes_waiting = 0;
    Epoch oldest_epoch;  // of the waiting blocks; 0: none
    Epoch newest_epoch;
    std::uint32_t epochs = 0;  // that have waiting blocks
};

struct DurableGain {
    std::uint32_t blocks = 0;
    std::uint64_t samples = 0;
};

class Spool {
 public:
    virtual Incarnation incarnation() const = 0;
    // Raises the epoch counter. An epoch number is never given twice, whatever is cut.
    virtual Result<Epoch> begin_epoch() = 0;
    // The newest epoch that stored a block, as it stood when the spool was opened. A record without
    // one is never sent, so nothing may refer to it.
    virtual Result<EpochEnd> previous_end() = 0;

    // A block is appended only after the epoch record and schemas of its epoch are stored.
    virtual Status store_schema(const SchemaHash& hash, Bytes encoded) = 0;
    virtual Status store_epoch(Epoch epoch, Bytes signed_epoch,
                               std::span<const SchemaHash> schemas) = 0;
    virtual Result<Bytes> read_schema(const SchemaHash& hash, MutableBytes room) = 0;
    virtual Result<Bytes> read_epoch(Epoch epoch, MutableBytes room) = 0;
    // The schemas that epochs with waiting blocks need, those of the oldest epochs first, at most
    // out.size().
    virtual Result<std::size_t> waiting_schemas(std::span<SchemaHash> out) = 0;
    // The schemas that store_epoch() was given with this epoch, at most out.size().
    virtual Result<std::size_t> epoch_schemas(Epoch epoch, std::span<SchemaHash> out) = 0;

    // Stores them in order, as many as there is room for, and says how many; a power cut leaves all
    // of these or none. Error full: no room for the first until blocks become durable.
    virtual Result<std::size_t> append(std::span<const SpoolBlock> blocks) = 0;
    // The first waiting block of `block_class` after (epoch, seq), in their order; not_found: none.
    virtual Result<SpoolBlock> next(BlockClass block_class, Epoch epoch, BlockSeq after,
                                    MutableBytes room) = 0;
    // Durable blocks stay until their room is needed. Says what was marked that had not been
    // before.
    virtual Result<DurableGain> mark_durable(const SeqRange& range) = 0;
    // The collector lost its journal: everything that is still here waits again.
    virtual Status void_durable() = 0;
    virtual Result<SpoolDepth> depth() = 0;

    // Small state under one-byte keys; at most state_bytes_max. not_found: never put.
    static constexpr std::size_t state_bytes_max = 2048;
    virtual Status put_state(std::uint8_t key, Bytes value) = 0;
    virtual Result<Bytes> read_state(std::uint8_t key, MutableBytes room) = 0;

 protected:
    ~Spool() = default;
};

}  // namespace longhaul::agent
