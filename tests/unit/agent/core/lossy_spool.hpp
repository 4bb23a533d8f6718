// A spool around another one that drops what it is told to, and keeps the account of it.
#pragma once

#include <algorithm>
#include <vector>

#include "agent/core/spool.hpp"
#include "common/base/check.hpp"

namespace longhaul::test {

class LossySpool final : public agent::Spool {
 public:
    explicit LossySpool(agent::Spool& inner) : inner_{inner}, policy_{inner.policy()} {}

    agent::SpoolPolicy& settings() { return policy_; }
    agent::LossLedger& ledger() { return ledger_; }
    bool full = false;              // the rule of a block's class decides
    bool alarms_have_room = false;  // also when it is full: their share is kept free
    std::array<bool, block_class_count> full_for{};  // these classes alone
    bool broken = false;                             // nothing can be written
    bool disk_full = false;                          // nothing has room, whatever the rule
    std::uint64_t bytes_written = 0;                 // what wear() tells
    std::vector<agent::SpoolTag> tags;               // of what was stored

    const agent::SpoolPolicy& policy() const override { return policy_; }
    const agent::LossLedger& losses() const override { return ledger_; }
    agent::SpoolWear wear() override { return {.bytes_written = bytes_written}; }
    Result<agent::Appended> append(std::span<const agent::SpoolBlock> blocks,
                                   const agent::SentMarks& sent) override {
        if (broken) return Error{ErrorCode::io, "the disk is broken"};
        if (disk_full) return Error{ErrorCode::full, "no space left on the disk"};
        agent::Appended appended;
        for (const agent::SpoolBlock& block : blocks) {
            const agent::SpoolTag& tag = block.tag;
            const BlockClass block_class = tag.name.seq.block_class();
            const bool spared = alarms_have_room && block_class == BlockClass::alarm;
            if ((full && !spared) || full_for[static_cast<std::size_t>(block_class)]) {
                const auto rule = policy_.classes[static_cast<std::size_t>(block_class)].when_full;
                appended.next_dropped = rule == agent::WhenFull::drop_newest;
                if (appended.next_dropped)
                    ledger_.add({block_class, agent::LossReason::full, agent::place_of(tag.name),
                                 agent::place_of(tag.name), tag.samples, tag.first_us,
                                 tag.last_us});
                if (!appended.next_dropped && appended.stored == 0) return ErrorCode::full;
                return appended;
            }
            agent::SpoolBlock kept = block;  // the account is kept here
            kept.tag.losses = 0;
            LH_TRY(inner_.append({&kept, 1}, sent));
            if (tag.losses != 0) ledger_.tell(tag.losses, block_class, agent::place_of(tag.name));
            tags.push_back(tag);
            ++appended.stored;
        }
        return appended;
    }
    Result<agent::DurableGain> mark_durable(const SeqRange& range) override {
        for (std::uint32_t seq = range.first.value; seq <= range.last.value; ++seq) {
            const BlockSeq each{seq};
            if (ledger_.is_carrier(each.block_class(), {range.epoch, each.number()}))
                ledger_.forget_told();
        }
        return inner_.mark_durable(range);
    }

    Incarnation incarnation() const override { return inner_.incarnation(); }
    Result<Epoch> begin_epoch() override { return inner_.begin_epoch(); }
    Result<agent::EpochEnd> previous_end() override { return inner_.previous_end(); }
    Status store_schema(const SchemaHash& hash, Bytes encoded) override {
        return inner_.store_schema(hash, encoded);
    }
    Status store_epoch(Epoch epoch, Bytes record, std::span<const SchemaHash> schemas) override {
        return inner_.store_epoch(epoch, record, schemas);
    }
    Result<Bytes> read_schema(const SchemaHash& hash, MutableBytes room) override {
        return inner_.read_schema(hash, room);
    }
    Result<Bytes> read_epoch(Epoch epoch, MutableBytes room) override {
        return inner_.read_epoch(epoch, room);
    }
    Result<std::size_t> waiting_schemas(std::span<SchemaHash> out) override {
        return inner_.waiting_schemas(out);
    }
    Result<std::size_t> epoch_schemas(Epoch epoch, std::span<SchemaHash> out) override {
        return inner_.epoch_schemas(epoch, out);
    }
    Result<agent::SpoolBlock> next(BlockClass block_class, Epoch epoch, BlockSeq after,
                                   MutableBytes room) override {
        return inner_.next(block_class, epoch, after, room);
    }
    Status void_durable() override { return inner_.void_durable(); }
    Result<agent::SpoolDepth> depth() override { return inner_.depth(); }
    Status put_state(std::uint8_t key, Bytes value) override {
        ++states_put;
        return inner_.put_state(key, value);
    }
    Result<Bytes> read_state(std::uint8_t key, MutableBytes room) override {
        return inner_.read_state(key, room);
    }
    unsigned states_put = 0;

 private:
    agent::Spool& inner_;
    agent::SpoolPolicy policy_;
    agent::LossLedger ledger_;
};

}  // namespace longhaul::test
