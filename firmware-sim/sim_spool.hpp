// A spool in memory with the contract of agent/core/spool.hpp: for runs in which the device keeps
// its power.
#pragma once

#include <map>
#include <vector>

#include "agent/core/spool.hpp"

namespace longhaul::sim {

class SimSpool final : public agent::Spool {
 public:
    // Full means stop: nothing is dropped.
    explicit SimSpool(Incarnation incarnation, std::uint64_t bytes_max = UINT64_MAX)
        : incarnation_{incarnation}, bytes_max_{bytes_max} {
        policy_.bytes_max = bytes_max;
        policy_.classes.fill({0, agent::WhenFull::stop});
    }

    Incarnation incarnation() const override { return incarnation_; }
    const agent::SpoolPolicy& policy() const override { return policy_; }
    Result<Epoch> begin_epoch() override { return Epoch{++epoch_counter_}; }
    Result<agent::EpochEnd> previous_end() override { return agent::EpochEnd{}; }

    Status store_schema(const SchemaHash& hash, Bytes encoded) override;
    Status store_epoch(Epoch epoch, Bytes signed_epoch,
                       std::span<const SchemaHash> schemas) override;
    Result<Bytes> read_schema(const SchemaHash& hash, MutableBytes room) override;
    Result<Bytes> read_epoch(Epoch epoch, MutableBytes room) override;
    Result<std::size_t> waiting_schemas(std::span<SchemaHash> out) override;
    Result<std::size_t> epoch_schemas(Epoch epoch, std::span<SchemaHash> out) override;

    Result<agent::Appended> append(std::span<const agent::SpoolBlock> blocks,
                                   const agent::SentMarks& sent) override;
    Result<agent::SpoolBlock> next(BlockClass block_class, Epoch epoch, BlockSeq after,
                                   MutableBytes room) override;
    Result<agent::DurableGain> mark_durable(const SeqRange& range) override;
    Status void_durable() override;
    Result<agent::SpoolDepth> depth() override;
    const agent::LossLedger& losses() const override { return losses_; }
    agent::SpoolWear wear() override { return {}; }

    Status put_state(std::uint8_t key, Bytes value) override;
    Result<Bytes> read_state(std::uint8_t key, MutableBytes room) override;

 private:
    using Stored = std::vector<std::byte>;
    struct Block {
        agent::SpoolTag tag;
        Stored sealed;
        bool durable = false;
    };
    struct EpochEntry {
        Stored record;
        std::vector<SchemaHash> schemas;
    };
    Status append_one(const agent::SpoolTag& tag, Bytes sealed);
    static Result<Bytes> copy(const Stored& from, MutableBytes room);

    Incarnation incarnation_;
    std::uint64_t bytes_max_;
    agent::SpoolPolicy policy_;
    agent::LossLedger losses_;
    std::uint64_t bytes_ = 0;
    std::uint32_t epoch_counter_ = 0;
    std::map<SchemaHash, Stored> schemas_;
    std::map<Epoch, EpochEntry> epochs_;
    std::map<std::pair<Epoch, BlockSeq>, Block> blocks_;
    std::map<std::uint8_t, Stored> state_;
};

}  // namespace longhaul::sim
