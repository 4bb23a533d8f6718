// The spool: where sealed blocks wait until the collector has made them durable. Specification and
// promise: docs/spec/spool.md.
//
// A store with one contract (tests/port/spool_contract.hpp) and several implementations: SQLite on
// Linux, a ring of flash sectors on bare metal. When a call returns ok, what it did survives a
// power cut; only the last calls of mark_durable() and put_state() may be forgotten, the latest
// first. Nothing that was stored goes without an entry in the account of losses.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "agent/core/loss_ledger.hpp"
#include "agent/core/sent_marks.hpp"
#include "agent/core/spool_policy.hpp"
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
    // It tells the collector of so many entries of losses().to_tell(), the first ones, as they
    // stand when append() is called; what append() drops to make room for it is not told by it.
    // They are forgotten when this block becomes durable, and told once more if it is lost itself.
    std::uint16_t losses = 0;
};

struct SpoolBlock {
    SpoolTag tag;
    Bytes sealed;  // in the caller's room
};

// What became of the blocks of one append().
struct Appended {
    std::size_t stored = 0;     // the first ones
    bool next_dropped = false;  // the one after them is not stored, by policy, and listed as lost
};

// How far the blocks of an epoch had come when it ended; goes into the next epoch record. Blocks
// that were dropped count.
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
    std::uint32_t epochs = 0;  // that have waiting blocks; at least so many may have
};

struct DurableGain {
    std::uint32_t blocks = 0;
    std::uint64_t samples = 0;
};

// What keeping blocks costs the storage. Counted since the spool was opened, but for erases.
struct SpoolWear {
    std::uint64_t bytes_stored = 0;   // of sealed blocks
    std::uint64_t bytes_written = 0;  // by the storage for them and everything else
    std::uint32_t sectors = 0;        // 0: the storage does not tell; the rest is then 0, too
    std::uint32_t sectors_bad = 0;    // set aside
    std::uint32_t erases_min = 0;     // of a sector, over its life
    std::uint32_t erases_max = 0;
    std::uint64_t erases = 0;  // of all sectors, over their lives
};

class Spool {
 public:
    virtual Incarnation incarnation() const = 0;
    virtual const SpoolPolicy& policy() const = 0;
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

    // Stores them in order; a power cut leaves the first so many of them, those before it not less.
    // Where room is missing, policy() decides: durable blocks go, then waiting ones that are not in
    // `sent`, each listed as lost; or the next block is dropped and listed; or, with nothing stored
    // and nothing dropped, error full: no room until blocks become durable.
    virtual Result<Appended> append(std::span<const SpoolBlock> blocks, const SentMarks& sent) = 0;
    // The first waiting block of `block_class` after (epoch, seq), in their order; not_found: none.
    // One that is damaged is listed as lost and passed over; so is one that is longer than the
    // room, for no frame will ever carry it.
    virtual Result<SpoolBlock> next(BlockClass block_class, Epoch epoch, BlockSeq after,
                                    MutableBytes room) = 0;
    // Durable blocks stay until their room is needed. Says what was marked that had not been
    // before.
    virtual Result<DurableGain> mark_durable(const SeqRange& range) = 0;
    // The collector lost its journal: everything that is still here waits again.
    virtual Status void_durable() = 0;
    virtual Result<SpoolDepth> depth() = 0;

    // What is lost and no durable block has told of.
    virtual const LossLedger& losses() const = 0;
    virtual SpoolWear wear() = 0;

    // Small state under one-byte keys; at most state_bytes_max. not_found: never put. A damaged
    // value is as the one before it, or not_found.
    static constexpr std::size_t state_bytes_max = 2048;
    virtual Status put_state(std::uint8_t key, Bytes value) = 0;
    virtual Result<Bytes> read_state(std::uint8_t key, MutableBytes room) = 0;

 protected:
    ~Spool() = default;
};

}  // namespace longhaul::agent
